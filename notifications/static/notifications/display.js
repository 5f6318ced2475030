/**
 * Shows browser notifications: by the page, or by the service worker, which is the only way on
 * phones.
 *
 * When one of the worker's is pressed, the worker asks its tabs which of them can open the URL, and
 * chooses one (chat/offline/worker.js). Its notifications outlive the tab that showed them, so any
 * tab closes them.
 * @module
 */

/**
 * @typedef {object} BrowserNotification
 * @property {string} tag  replaces one with the same tag
 * @property {string} title
 * @property {string} body
 * @property {string} url  to open
 * @property {number[]} ids  of the rows to mark as read when it is opened
 *
 * @typedef {Pick<BrowserNotification, 'url' | 'ids'>} Opened
 */

/** @returns {Promise<ServiceWorkerRegistration | undefined>} */
const registration = async () => navigator.serviceWorker?.getRegistration();

/** Phones and tablets: some refuse notifications of a page, others silently show none. */
const isHandheld = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

export class Display {
  #user;
  #icon;
  #open;
  /** The open ones of this page, by tag. @type {Map<string, Notification>} */
  #shown = new Map();

  /**
   * @param {{user: number, icon: string, open?: (opened: Opened) => void}} options without `open`
   *   this page only shows samples
   */
  constructor({ user, icon, open }) {
    this.#user = user;
    this.#icon = icon;
    this.#open = open;
    if (open) navigator.serviceWorker?.addEventListener('message', (event) => this.#asked(event));
  }

  /** @param {BrowserNotification} notification */
  show(notification) {
    if (isHandheld() || !this.#showOwn(notification)) void this.#showByWorker(notification);
  }

  /** @param {string} tag */
  close(tag) {
    this.#shown.get(tag)?.close();
    this.#shown.delete(tag);
    void closeByWorker(tag);
  }

  /** @param {BrowserNotification} notification */
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

  /** @param {BrowserNotification} notification */
  async #showByWorker(notification) {
    const { tag, title, body, url, ids } = notification;
    const found = await registration();
    if (!found?.active) return void (isHandheld() && this.#showOwn(notification));
    const data = { user: this.#user, url, ids };
    await found
      .showNotification(title, {
        body,
        tag,
        icon: this.#icon,
        lang: document.documentElement.lang,
        data,
      })
      .catch(() => {}); // permission may have been withdrawn
  }

  /** @param {MessageEvent} event */
  #asked({ data, ports: [port] }) {
    if (data?.user !== this.#user) return; // of a user who was signed in here before
    if (data.holdfast === 'can-open') port.postMessage(true);
    if (data.holdfast === 'open') this.#open?.(data);
  }
}

/** @param {string} tag */
async function closeByWorker(tag) {
  for (const shown of (await (await registration())?.getNotifications({ tag })) ?? [])
    shown.close();
}
