/**
 * The inbox on the screen: newest first, kept up to date, read and archived one by one or all at once.
 * @module
 */

import { clone, onAction, takeJson, setIcon, setText, slot, toast } from './dom.js';
import { dayAndClock, fullTime, words } from './words.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {import('../notifications/feed.js').InboxFeed} InboxFeed
 */

const ICONS = { mention: 'at-sign', direct: 'message-circle', message: 'message-circle', reply: 'reply', invitation: 'user-plus', moderation: 'shield', broadcast: 'megaphone' };

export class InboxView {
  #root;
  #feed;
  #api;
  /** By id. @type {Map<number, Row>} */
  #rows = new Map();
  #more;

  /**
   * @param {HTMLElement} root
   * @param {InboxFeed} feed
   * @param {import('../realtime/api.js').Api} api
   */
  constructor(root, feed, api) {
    this.#root = root;
    this.#feed = feed;
    this.#api = api;
    const { notifications, more } = takeJson(root, 'view-data');
    this.#more = more;
    for (const row of notifications) this.#put(row);
    this.ends = [
      feed.on('notification', (row) => {
        this.#put(row);
        this.#paint();
      }),
      feed.on('reloaded', () => void this.#reload()),
      feed.on('unread', () => this.#paintSummary()),
    ];
    onAction(root, {
      read: (_event, element) => this.#act(element, (id) => feed.read([id])),
      archive: (_event, element) => this.#act(element, (id) => feed.archive([id])),
      'read-all': () => void feed.readAll().catch((error) => toast(error.message)),
      older: () => void this.#older(),
    });
    // Following a notification means having read it.
    root.addEventListener('click', (event) => this.#followed(event), { capture: true });
    this.#paint();
    void this.#reload(); // what came between the page and the connection
  }

  leave() {
    for (const end of this.ends) end();
  }

  /** @param {Row} row */
  #put(row) {
    if ((this.#rows.get(row.id)?.seq ?? 0) > row.seq) return;
    this.#rows.set(row.id, row);
  }

  async #reload() {
    const answer = await this.#api.get('/api/inbox/').catch(() => null);
    if (!answer) return;
    for (const row of answer.notifications) this.#put(row);
    this.#paint();
  }

  async #older() {
    const before = Math.min(...this.#rows.keys());
    try {
      const { notifications, more } = await this.#api.get('/api/inbox/', { before });
      for (const row of notifications) this.#put(row);
      this.#more = more;
      this.#paint();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {Element} element
   * @param {(id: number) => Promise<void>} act
   */
  #act(element, act) {
    const id = Number(/** @type {HTMLElement | null} */ (element.closest('.notice'))?.dataset.notification);
    act(id).catch((error) => toast(error.message));
  }

  /** @param {Event} event */
  #followed(event) {
    const link = /** @type {Element} */ (event.target).closest('[data-slot="title"]');
    const row = this.#rows.get(Number(/** @type {HTMLElement | null | undefined} */ (link?.closest('.notice'))?.dataset.notification));
    if (row && !row.read_at) void this.#feed.read([row.id]).catch(() => {}); // it stays unread, and can be read later
  }

  #paint() {
    const shown = [...this.#rows.values()].filter((row) => !row.archived_at).sort((one, other) => other.id - one.id);
    const list = slot(this.#root, 'list');
    const known = new Map([...list.children].map((element) => [Number(/** @type {HTMLElement} */ (element).dataset.notification), /** @type {HTMLElement} */ (element)]));
    const items = shown.map((row) => {
      const element = known.get(row.id) ?? clone('notice-template');
      paintNotice(element, row);
      return element;
    });
    if (items.length !== list.children.length || items.some((item, index) => list.children[index] !== item)) list.replaceChildren(...items);
    slot(this.#root, 'empty').hidden = items.length > 0;
    slot(this.#root, 'older').hidden = !this.#more;
    this.#paintSummary();
  }

  #paintSummary() {
    setText(this.#root, 'summary', words.inboxUnread(this.#feed.unread));
    /** @type {HTMLButtonElement} */ (this.#root.querySelector('[data-do="read-all"]')).disabled = this.#feed.unread === 0;
  }
}

/**
 * @param {HTMLElement} element
 * @param {Row} row
 */
function paintNotice(element, row) {
  element.dataset.notification = String(row.id);
  element.dataset.level = row.level;
  element.dataset.unread = String(row.read_at === null);
  setIcon(/** @type {Element} */ (element.querySelector('svg')), ICONS[/** @type {keyof typeof ICONS} */ (row.kind)] ?? 'bell');
  const title = /** @type {HTMLAnchorElement} */ (slot(element, 'title'));
  title.textContent = row.title;
  if (row.url) title.setAttribute('href', row.url);
  else title.removeAttribute('href');
  slot(element, 'body').hidden = row.body === '';
  setText(element, 'body', row.body);
  const when = /** @type {HTMLTimeElement} */ (slot(element, 'when'));
  when.dateTime = row.created_at;
  when.textContent = dayAndClock(row.created_at);
  when.title = fullTime(row.created_at);
}
