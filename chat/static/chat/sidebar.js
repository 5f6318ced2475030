/**
 * The list of my rooms, with what is unread in each, and the numbers in the title of the page.
 * @module
 */

import { clone, setAvatar, setIcon, setText, slot } from './dom.js';
import { few, words } from './words.js';

/**
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('./rooms.js').Rooms} Rooms
 */

const ICONS = { public: 'hash', private: 'lock' };

export class Sidebar {
  #root;
  #rooms;
  /** @type {Map<number, HTMLElement>} */
  #places = new Map();
  /** @type {number | null} */
  #current = null;

  /**
   * @param {HTMLElement} root
   * @param {Rooms} rooms
   */
  constructor(root, rooms) {
    this.#root = root;
    this.#rooms = rooms;
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('.place'))) this.#places.set(Number(place.dataset.room), place);
    rooms.on('change', (room) => (room ? this.#changed(room) : this.paint()));
    this.paint();
  }

  /** @param {Room | null} room */
  current(room) {
    this.#current = room?.id ?? null;
    for (const [id, place] of this.#places) {
      if (id === this.#current) place.setAttribute('aria-current', 'page');
      else place.removeAttribute('aria-current');
    }
  }

  paint() {
    const mine = this.#rooms.mine;
    this.#list('rooms', mine.filter((room) => !room.isDirect));
    this.#list('directs', mine.filter((room) => room.isDirect));
  }

  /** @param {Room} room */
  #changed(room) {
    const place = this.#places.get(room.id);
    const listed = Boolean(place?.isConnected);
    const renamed = place && slot(place, 'name').textContent !== room.title;
    if (listed !== (room.isMember && !room.data.archived_at) || renamed) this.paint();
    else if (place && listed) paintPlace(place, room);
  }

  /**
   * @param {string} name
   * @param {Room[]} rooms
   */
  #list(name, rooms) {
    const list = /** @type {HTMLElement} */ (this.#root.querySelector(`[data-places="${name}"]`));
    const sorted = rooms.sort((one, other) => one.title.localeCompare(other.title));
    const items = sorted.map((room) => this.#item(room));
    if (items.length !== list.children.length || items.some((item, index) => list.children[index] !== item)) list.replaceChildren(...items);
    /** @type {HTMLElement} */ (this.#root.querySelector(`[data-empty="${name}"]`)).hidden = rooms.length > 0;
    this.current(this.#rooms.get(this.#current ?? 0) ?? null);
  }

  /** @param {Room} room @returns {Element} */
  #item(room) {
    let place = this.#places.get(room.id);
    if (!place) {
      place = /** @type {HTMLElement} */ (clone(room.isDirect ? 'direct-template' : 'place-template').firstElementChild);
      this.#places.set(room.id, place);
    }
    paintPlace(place, room);
    return /** @type {Element} */ (place.parentElement);
  }
}

/**
 * @param {HTMLElement} place
 * @param {Room} room
 */
function paintPlace(place, room) {
  place.dataset.room = String(room.id);
  place.setAttribute('href', room.url);
  place.dataset.unread = String(room.unread > 0);
  place.dataset.quiet = String(room.isQuiet);
  if (room.partner) setAvatar(place, room.partner);
  else setIcon(/** @type {Element} */ (place.querySelector('svg')), ICONS[/** @type {keyof typeof ICONS} */ (room.data.kind)] ?? 'hash');
  setText(place, 'name', room.title);
  const badge = slot(place, 'badge');
  badge.hidden = room.unread === 0;
  badge.className = `badge${room.isDirect ? ' badge--mention' : room.isQuiet ? '' : ' badge--accent'}`;
  setText(badge, 'count', few(room.unread));
  setText(badge, 'count-words', room.unread > 0 ? words.unread(room.unread) : '');
}
