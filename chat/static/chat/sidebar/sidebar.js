/**
 * The sections of rooms in the sidebar, with their unread counts.
 * @module
 */

import { onDisplay, unreadFirst } from '../lib/display.js';
import {
  clone,
  keepingFocus,
  onAction,
  setAvatar,
  setChildren,
  setIcon,
  setText,
  slot,
} from '../lib/dom.js';
import { PerFrame } from '../lib/per_frame.js';
import { Roving } from '../lib/roving.js';
import { common, few } from '../lib/words.js';
import { Folding } from './folding.js';
import { sections } from './room_order.js';
import { SidebarDrag } from './sidebar_drag.js';
import { UnreadPill } from './unread_pill.js';
import { words } from './words.js';

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../rooms/rooms.js').Rooms} Rooms
 * @typedef {import('./favourites.js').Favourites} Favourites
 * @typedef {import('../../realtime/api.js').Api} Api
 */

/** Rooms that are added to the list in one step, and the pause before it. */
const ADDED_AT_A_TIME = 50;
const ADD_AFTER_MS = 50;

const ICONS = { public: 'hash', private: 'lock' };

export class Sidebar {
  #root;
  #stops;
  #pill;
  #rooms;
  /** @type {Map<number, HTMLElement>} */
  #places = new Map();
  /** @type {number | null} */
  #current = null;
  /** Rooms that changed; null: the list changed. @type {Set<Room | null>} */
  #news = new Set();
  #painting = new PerFrame(() => this.#paintNews());
  /** How many rooms a painting may add to those that the server has painted. */
  #allowed = 0;

  /**
   * @param {HTMLElement} root
   * @param {{rooms: Rooms, favourites: Favourites, api: Api}} app
   * @param {(opener: HTMLElement, room: Room) => void} openMenu
   */
  constructor(root, { rooms, favourites, api }, openMenu) {
    this.#root = root;
    this.#rooms = rooms;
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('.place')))
      this.#places.set(Number(place.dataset.room), place);
    rooms.on('change', (room) => {
      this.#news.add(room);
      this.#painting.soon();
    });
    rooms.on('more', () => {
      this.#allowed = 0;
      this.#addMore();
    });
    new SidebarDrag(root, rooms, favourites);
    const menuOf = (
      /** @type {HTMLElement} */ opener,
      /** @type {Element | null | undefined} */ place,
    ) => {
      const room = rooms.get(
        Number(/** @type {HTMLElement | null | undefined} */ (place)?.dataset.room),
      );
      if (room) openMenu(opener, room);
    };
    onAction(root, {
      'place-menu': (_event, element) =>
        menuOf(element, element.parentElement?.querySelector('.place')),
    });
    // The menu key fires the same event as the right button.
    root.addEventListener('contextmenu', (event) => {
      const place = /** @type {HTMLElement | null} */ (
        /** @type {Element} */ (event.target).closest('.place')
      );
      if (!place) return;
      event.preventDefault();
      menuOf(place, place);
    });
    this.#stops = new Roving(
      /** @type {HTMLElement} */ (root.querySelector('.sidebar__scroll')),
      'a, button:not(.place-item__menu)',
      'vertical',
    );
    this.#pill = new UnreadPill(root);
    const folding = new Folding(root, api, () => {
      this.#stops.lead();
      this.#pill.changed();
    });
    onDisplay('sidebar', ({ folded }) => {
      folding.show(folded);
      this.paint();
    });
    this.paint();
    this.#addMore();
  }

  /** Add the rooms that the page came without, a few at a time, so that the page never stops. */
  #addMore() {
    const listed = Object.values(sections(this.#rooms.mine, unreadFirst())).flat().length;
    if (this.#places.size >= listed) {
      this.#allowed = Infinity;
      return;
    }
    setTimeout(() => {
      const before = this.#places.size;
      this.#allowed = ADDED_AT_A_TIME;
      this.#paintLists((room) => this.#places.get(room.id)?.parentElement ?? this.#item(room));
      this.#allowed = this.#places.size > before ? 0 : Infinity;
      if (this.#allowed === 0) this.#addMore();
    }, ADD_AFTER_MS);
  }

  #paintNews() {
    const news = [...this.#news];
    this.#news.clear();
    if (news.includes(null)) this.paint();
    else for (const room of news) this.#changed(/** @type {Room} */ (room));
    this.#pill.changed();
  }

  /** @param {Room | null} room */
  current(room) {
    const isNew = this.#current !== (room?.id ?? null);
    this.#current = room?.id ?? null;
    for (const [id, place] of this.#places) {
      if (id === this.#current) place.setAttribute('aria-current', 'page');
      else place.removeAttribute('aria-current');
    }
    const place = this.#places.get(this.#current ?? 0);
    if (!isNew || !place?.isConnected) return this.#stops.lead();
    this.#stops.lead(place);
    place.scrollIntoView({ block: 'nearest' });
  }

  paint() {
    this.#paintLists((room) => this.#item(room));
  }

  /** @param {(room: Room) => Element} itemOf */
  #paintLists(itemOf) {
    if (!this.#root.firstElementChild) return; // The session is over (account/session_end.js).
    const found = sections(this.#rooms.mine, unreadFirst());
    this.#list('favourites', found.favourites, itemOf);
    this.#list('rooms', found.rooms, itemOf);
    this.#list('directs', found.directs, itemOf);
    // Without favourites, the section is only shown while a room is dragged.
    /** @type {HTMLElement} */ (this.#root.querySelector('[data-section="favourites"]')).hidden =
      found.favourites.length === 0;
  }

  /** @param {Room} room */
  #changed(room) {
    const place = this.#places.get(room.id);
    const listed = Boolean(place?.isConnected);
    const wanted = room.isMember && !room.data.archived_at;
    const moved =
      place &&
      (slot(place, 'name').textContent !== room.title || place.dataset.order !== orderOf(room));
    if (listed !== wanted || moved) this.paint();
    else if (place && listed) paintPlace(place, room);
  }

  /**
   * @param {string} name
   * @param {Room[]} rooms
   * @param {(room: Room) => Element} itemOf
   */
  #list(name, rooms, itemOf) {
    const list = /** @type {HTMLElement} */ (this.#root.querySelector(`[data-places="${name}"]`));
    let allowed = this.#allowed;
    const ready = rooms.filter(({ id }) => this.#places.has(id) || allowed-- > 0);
    const items = ready.map(itemOf);
    keepingFocus(() => setChildren(list, items));
    /** @type {HTMLElement} */ (this.#root.querySelector(`[data-empty="${name}"]`)).hidden =
      rooms.length > 0;
    this.current(this.#rooms.get(this.#current ?? 0) ?? null);
  }

  /** @param {Room} room @returns {Element} */
  #item(room) {
    let place = this.#places.get(room.id);
    if (!place) {
      place = /** @type {HTMLElement} */ (clone(templateOf(room)).firstElementChild);
      this.#places.set(room.id, place);
    }
    paintPlace(place, room);
    return /** @type {Element} */ (place.parentElement);
  }
}

/** @param {Room} room */
const templateOf = (room) =>
  room.isGroup ? 'group-template' : room.isDirect ? 'direct-template' : 'place-template';

/** The data that a room is sorted by, besides its name. @param {Room} room */
function orderOf(room) {
  if (room.isFavourite) return String(room.favouriteOrder);
  return unreadFirst() && room.waiting > 0 ? 'unread' : '';
}

/**
 * @param {HTMLElement} place
 * @param {Room} room
 */
function paintQuiet(place, room) {
  const mark = slot(place, 'quiet');
  mark.hidden = !room.isQuiet;
  const text = room.isQuiet ? words.quiet(room.quietUntil) : '';
  setText(place, 'quiet-words', text);
  mark.title = text;
}

/**
 * @param {HTMLElement} place
 * @param {Room} room
 */
function paintPlace(place, room) {
  const mentions = room.isQuiet || room.isDirect ? 0 : room.mentions;
  place.dataset.room = String(room.id);
  place.dataset.order = orderOf(room);
  place.setAttribute('href', room.url);
  place.dataset.unread = String(room.waiting > 0);
  place.dataset.quiet = String(room.isQuiet);
  paintQuiet(place, room);
  if (room.partner) setAvatar(place, room.partner);
  else if (!room.isGroup)
    setIcon(
      /** @type {Element} */ (place.querySelector('svg')),
      ICONS[/** @type {keyof typeof ICONS} */ (room.data.kind)] ?? 'hash',
    );
  setText(place, 'name', room.title);
  place.parentElement
    ?.querySelector('[data-do="place-menu"]')
    ?.setAttribute('aria-label', common.actionsFor(room.title));
  slot(place, 'mention-badge').hidden = mentions === 0;
  setText(place, 'mention-count', few(mentions));
  setText(place, 'mention-words', mentions > 0 ? common.mentions(mentions) : '');
  const badge = slot(place, 'badge');
  badge.hidden = room.waiting === 0;
  badge.classList.toggle('badge--mention', room.isDirect);
  setText(badge, 'count', few(room.waiting));
  setText(badge, 'count-words', room.waiting > 0 ? common.unread(room.waiting) : '');
}
