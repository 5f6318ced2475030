/**
 * The room directory: searched by the server while the user types, and loaded page by page.
 * @module
 */

import { announce, clone, onAction, setText, slot, toastError } from '../lib/dom.js';
import { common } from '../lib/words.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/api.js').Api} Api
 */

/** After the last key, before the search. */
const SEARCH_DELAY_MS = 200;

export class DirectoryView {
  #root;
  #api;
  #search;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The number of the last request; answers to earlier ones are ignored. */
  #asked = 0;

  /**
   * @param {HTMLElement} root
   * @param {Api} api
   * @param {(roomId: number, url: string) => Promise<void>} join
   */
  constructor(root, api, join) {
    this.#root = root;
    this.#api = api;
    this.#search = /** @type {HTMLInputElement} */ (slot(root, 'search'));
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#find(), SEARCH_DELAY_MS);
    });
    this.#search.form?.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#find();
    });
    onAction(root, {
      join: (_event, element) =>
        void join(Number(element.dataset.room), element.dataset.url ?? '/').catch(toastError),
      'more-rooms': () => void this.#more(),
    });
  }

  leave() {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  async #find() {
    clearTimeout(this.#timer);
    const rooms = await this.#ask();
    if (!rooms) return;
    const list = slot(this.#root, 'list');
    list.replaceChildren(...rooms.map(roomElement));
    slot(this.#root, 'empty').hidden = rooms.length > 0;
    const isSearched = this.#search.value.trim() !== '';
    setText(this.#root, 'empty-title', isSearched ? words.noneFound : words.none);
    setText(this.#root, 'empty-words', isSearched ? words.tryFewer : words.createFirst);
    announce(common.found(rooms.length));
  }

  async #more() {
    const list = slot(this.#root, 'list');
    const last = /** @type {HTMLElement | null} */ (
      list.querySelector('.directory__room:last-child [data-room]')
    );
    const rooms = await this.#ask(Number(last?.dataset.room));
    if (!rooms) return;
    const added = rooms.map(roomElement);
    list.append(...added);
    // The first new room, where reading continues, also with a screen reader.
    added[0]?.querySelector('a')?.focus({ preventScroll: true });
  }

  /** @param {number} [after] @returns {Promise<Row[] | null>} */
  async #ask(after) {
    const asked = ++this.#asked;
    try {
      const { rooms, more } = await this.#api.get('/api/rooms/directory', {
        q: this.#search.value.trim(),
        ...(after ? { after } : {}),
      });
      if (asked !== this.#asked) return null;
      slot(this.#root, 'more').hidden = !more;
      return rooms;
    } catch (error) {
      if (asked === this.#asked) toastError(error);
      return null;
    }
  }
}

/** @param {Row} shown */
function roomElement({ room, joined, member_count: members }) {
  const element = clone('directory-room-template');
  const url = `/rooms/${room.slug}/`;
  setText(element, 'name', room.name);
  slot(element, 'name').setAttribute('href', url);
  setText(element, 'topic', room.topic || words.noTopic);
  setText(element, 'members', String(members));
  slot(element, 'joined').hidden = !joined;
  const button = /** @type {HTMLElement} */ (element.querySelector('[data-do="join"]'));
  button.hidden = joined;
  button.dataset.room = String(room.id);
  button.dataset.url = url;
  button.setAttribute('aria-label', words.joinRoom(room.name));
  return element;
}
