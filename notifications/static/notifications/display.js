/**
 * Where the browser shows a notification: as the page's own, or as the service worker's, which is
 * the only way on phones.
 *
 * Of the worker's, the worker hears when one is pressed; it asks its tabs which of them can open
 * what is told of, and tells one to (chat/offline/worker.js). They outlive the tab that showed
 * them, so any tab closes them.
 * @module
 */

/**
 * @typedef {object} Told
 * @property {string} tag  one that has the same tag is replaced
 * @property {string} title
 * @property {string} body
 * @property {string} url  what it opens
 * @property {number[]} ids  of the rows that are read when it is opened
 *
 * @typedef {Pick<Told, 'url' | 'ids'>} Opened
 */

/** @returns {Promise<ServiceWorkerRegistration | undefined>} */
const registration = async () => navigator.serviceWorker?.getRegistration();

/** Phones and tablets: some refuse a page's own notifications, others show none without a word. */
const isHandheld = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

export class Display {
  #user;
  #icon;
  #open;
  /** The page's own that nobody has closed, by tag. @type {Map<string, Notification>} */
  #shown = new Map();

  /**
   * @param {{user: number, icon: string, open?: (opened: Opened) => void}} options without `open`,
   *   this page opens nothing: it shows samples
   */
  constructor({ user, icon, open }) {
    this.#user = user;
    this.#icon = icon;
    this.#open = open;
    if (open) navigator.serviceWorker?.addEventListener('message', (event) => this.#asked(event));
  }

  /** @param {Told} told */
  show(told) {
    if (isHandheld() || !this.#showOwn(told)) void this.#showByWorker(told);
  }

  /** @param {string} tag */
  close(tag) {
    this.#shown.get(tag)?.close();
    this.#shown.delete(tag);
    void closeByWorker(tag);
  }

  /** @param {Told} told */
  #showOwn({ tag, title, body, url, ids }) {
    try {
      const shown = new Notification(title, {
        body,
        tag,
        icon: this.#icon,
        lang: document.documentElement.lang,
      });
      this.#shown.set(tag, shown);
      shown.onclick = () => {
        window.focus();
        this.#open?.({ url, ids });
        shown.close();
      };
      shown.onclose = () => {
        if (this.#shown.get(tag) === shown) this.#shown.delete(tag);
      };
      return true;
    } catch {
      return false;
    }
  }

  /** @param {Told} told */
  async #showByWorker(told) {
    const { tag, title, body, url, ids } = told;
    const found = await registration();
    if (!found?.active) return void (isHandheld() && this.#showOwn(told));
    const data = { user: this.#user, url, ids };
    await found
      .showNotification(title, {
        body,
        tag,
        icon: this.#icon,
        lang: document.documentElement.lang,
        data,
      })
      .catch(() => {}); // it may no longer
  }

  /** @param {MessageEvent} event */
  #asked({ data, ports: [port] }) {
    if (data?.user !== this.#user) return; // of somebody who used this browser before
    if (data.holdfast === 'can-open') port.postMessage(true);
    if (data.holdfast === 'open') this.#open?.(data);
  }
}

/** @param {string} tag */
async function closeByWorker(tag) {
  for (const shown of (await (await registration())?.getNotifications({ tag })) ?? [])
    shown.close();
}
