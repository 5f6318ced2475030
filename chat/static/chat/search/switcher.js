/**
 * The quick switcher: opens a room, a person or a page by a few letters of its name. It works with
 * the keyboard alone, as a combobox.
 * @module
 */

import { clone, onAction, setAvatar, setIcon, setText, slot } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { rank } from '../lib/matching.js';
import { common, few } from '../lib/words.js';
import { SYSTEM_USERNAME } from '../timeline/message.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../../realtime/types.js').User} User
 *
 * @typedef {object} Item
 * @property {string[]} names  searchable names; the first is shown
 * @property {number} recency
 * @property {string} hint
 * @property {string} [icon]
 * @property {User} [person]  shown with an avatar
 * @property {number} [waiting]
 * @property {boolean} [loud]
 * @property {() => void} run
 */

/** More letters find the others. */
const MAX_SHOWN = 30;
/** After the last key, before people are requested. */
const SEARCH_DELAY_MS = 200;
/** The order of equal matches: recent rooms, other rooms, people, pages. */
const RECENCY = { room: 1000, person: 2000, page: 3000 };

export class Switcher {
  #app;
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById('switcher'));
  #input = /** @type {HTMLInputElement} */ (slot(this.#dialog, 'input'));
  #list = slot(this.#dialog, 'list');
  /** @type {Item[]} */
  #shown = [];
  #at = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    const cap = document.querySelector('.go-to kbd');
    if (cap && app.shortcuts.mac) cap.textContent = `${common.keyName('mod', true)} K`;
    this.#input.addEventListener('input', () => this.#typed());
    onKey(this.#input, (event) => this.#key(event));
    this.#list.addEventListener('pointermove', (event) => this.#point(event));
    this.#list.addEventListener('click', (event) => {
      this.#point(event);
      this.#choose();
    });
    this.#dialog.addEventListener('close', () => clearTimeout(this.#timer));
    this.#dialog.addEventListener('click', (event) => {
      // A click outside the dialog.
      if (event.target === this.#dialog) this.#dialog.close();
    });
    onAction(this.#dialog, { cancel: () => this.#dialog.close() });
    app.rooms.on('more', () => {
      if (this.#dialog.open) this.#paint();
    });
  }

  /** The address of the message search; empty without one. */
  get searchUrl() {
    return this.#dialog.dataset.search ?? '';
  }

  toggle() {
    if (this.#dialog.open) return this.#dialog.close();
    this.#input.value = '';
    this.#paint();
    this.#dialog.showModal();
    this.#input.focus();
    void this.#app.rooms.loadMore();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#paint();
    const q = this.#input.value.trim();
    if (q) this.#timer = setTimeout(() => void this.#askForPeople(q), SEARCH_DELAY_MS);
  }

  /**
   * Load people not yet seen on this page. Without an answer, only the others are shown.
   * @param {string} q
   */
  async #askForPeople(q) {
    const answer = await this.#app.api.get('/api/users/', { q }).catch(() => null);
    if (!answer || this.#input.value.trim() !== q) return;
    for (const user of answer.users) this.#app.people.learn(user);
    this.#paint();
  }

  #paint() {
    const typed = this.#input.value.trim();
    // A single item was not chosen by the user.
    const chosen = this.#shown.length > 1 ? this.#shown[this.#at]?.names[0] : undefined;
    this.#shown = this.#found(typed).slice(0, MAX_SHOWN);
    const kept = this.#shown.findIndex((item) => item.names[0] === chosen);
    this.#list.replaceChildren(...this.#shown.map(optionOf));
    slot(this.#dialog, 'empty').hidden = this.#shown.length > 0;
    setText(this.#dialog, 'count', common.found(this.#shown.length));
    // New results keep the selection; a new letter selects the best match.
    this.#select(this.#dialog.open && this.#typedBefore === typed && kept > 0 ? kept : 0);
    this.#typedBefore = typed;
  }

  #typedBefore = '';

  /** @param {string} typed @returns {Item[]} */
  #found(typed) {
    const rooms = this.#app.rooms.mine.map((room) => this.#roomItem(room));
    if (typed === '') {
      const current = this.#app.router.room;
      return rank('', [
        ...rooms.filter((_item, index) => this.#app.rooms.mine[index] !== current),
        ...this.#pages(),
      ]);
    }
    const found = rank(typed, [...rooms, ...this.#people(), ...this.#pages()]);
    return this.searchUrl ? [...found.slice(0, MAX_SHOWN - 1), this.#searchItem(typed)] : found;
  }

  /** @param {Room} room @returns {Item} */
  #roomItem(room) {
    const { partner } = room;
    return {
      names: [
        room.title,
        partner?.username ?? room.data.slug,
        ...room.people.flatMap(({ name, username }) => [name, username]),
      ],
      recency: Math.min(this.#app.recent.recency(room.id), RECENCY.room),
      hint: room.isGroup ? common.groupConversation : room.isDirect ? common.directMessage : '',
      icon: iconOf(room),
      person: partner ?? undefined,
      waiting: room.waiting,
      loud: room.isDirect || room.mentions > 0,
      run: () => void this.#app.go(room.url),
    };
  }

  /**
   * Everyone seen on this page who has no direct room with the user yet.
   * @returns {Item[]}
   */
  #people() {
    const known = new Set([
      this.#app.me.id,
      ...this.#app.rooms.mine.map((room) => room.partner?.id),
    ]);
    return this.#app.people.all
      .filter((person) => !known.has(person.id) && person.username !== SYSTEM_USERNAME)
      .map((person) => ({
        names: [person.name, person.username],
        recency: RECENCY.person,
        hint: `@${person.username}`,
        person,
        run: () => void this.#app.writeTo(person.id),
      }));
  }

  /** @returns {Item[]} */
  #pages() {
    const { searchUrl } = this;
    const go = (/** @type {string} */ url) => () => void this.#app.go(url);
    const press = (/** @type {string} */ name) => () =>
      /** @type {HTMLElement | null} */ (
        document.querySelector(`#sidebar [data-do="${name}"]`)
      )?.click();
    /** @type {[string, string, () => void][]} */
    const pages = [
      [words.pages.inbox, 'inbox', go('/inbox/')],
      ...(searchUrl
        ? [
            /** @type {[string, string, () => void]} */ ([
              words.pages.search,
              'search',
              go(searchUrl),
            ]),
          ]
        : []),
      [words.pages.directory, 'compass', go('/rooms/')],
      [words.pages.newRoom, 'plus', press('create-room')],
      [words.pages.settings, 'circle-user', go('/accounts/')],
      [words.pages.markAllRead, 'check-check', () => void this.#app.markAllRead()],
      [words.pages.shortcuts, 'keyboard', () => this.#app.showShortcuts()],
    ];
    return pages.map(([name, icon, run], index) => ({
      names: [name],
      recency: RECENCY.page + index,
      hint: '',
      icon,
      run,
    }));
  }

  /** @param {string} typed @returns {Item} */
  #searchItem(typed) {
    const url = `${this.searchUrl}?${new URLSearchParams({ q: typed })}`;
    return {
      names: [words.searchFor(typed)],
      recency: Infinity,
      hint: '',
      icon: 'search',
      run: () => void this.#app.go(url),
    };
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#shown.length > 0) {
      event.preventDefault();
      this.#select((this.#at + step + this.#shown.length) % this.#shown.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#choose();
    }
  }

  /** @param {Event} event */
  #point(event) {
    const at = [...this.#list.children].indexOf(
      /** @type {Element} */ (/** @type {Element} */ (event.target).closest('[role="option"]')),
    );
    if (at >= 0 && at !== this.#at) this.#select(at);
  }

  /** @param {number} at */
  #select(at) {
    this.#at = at;
    for (const [index, option] of [...this.#list.children].entries()) {
      option.setAttribute('aria-selected', String(index === at));
    }
    const option = this.#list.children[at];
    if (!option) return this.#input.removeAttribute('aria-activedescendant');
    this.#input.setAttribute('aria-activedescendant', option.id);
    option.scrollIntoView({ block: 'nearest' });
  }

  #choose() {
    const item = this.#shown[this.#at];
    if (!item) return;
    this.#dialog.close();
    item.run();
  }
}

/** @param {Room} room */
const iconOf = (room) => (room.isGroup ? 'users' : room.data.kind === 'private' ? 'lock' : 'hash');

/**
 * @param {Item} item
 * @param {number} index
 */
function optionOf({ names, hint, icon, person, waiting = 0, loud = false }, index) {
  const element = clone('switch-option-template');
  element.id = `switch-${index}`;
  slot(element, 'avatar').hidden = !person;
  slot(element, 'icon').hidden = Boolean(person);
  if (person) setAvatar(element, person);
  else setIcon(slot(element, 'icon'), icon ?? 'hash');
  setText(element, 'name', names[0]);
  setText(element, 'hint', hint);
  const badge = slot(element, 'badge');
  badge.hidden = waiting === 0;
  badge.classList.toggle('badge--mention', loud);
  setText(badge, 'badge-count', few(waiting));
  setText(badge, 'badge-words', waiting > 0 ? common.unread(waiting) : '');
  return element;
}
