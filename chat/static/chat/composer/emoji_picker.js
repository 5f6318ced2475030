/**
 * The emoji picker: one popover for the whole page, opened beside its opener. It works with the
 * keyboard alone; Esc closes it and returns the focus.
 * @module
 */

import { announce, clone, setIcon, setText, slot } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { placeBeside } from '../lib/menu.js';
import { common } from '../lib/words.js';
import { emojiGroups, searchEmoji, stepInGrids } from './emoji_table.js';
import { words } from './words.js';

/** @typedef {import('./emoji_table.js').Emoji} Emoji */

const COMMON = [
  '👍',
  '❤️',
  '😂',
  '🎉',
  '🙏',
  '👀',
  '🚀',
  '✅',
  '😊',
  '🤔',
  '👏',
  '💯',
  '🔥',
  '👋',
  '😢',
  '☕',
];
/** Three rows. */
const MAX_RECENT = 24;
const MAX_FOUND = 80;
const STORAGE_KEY = 'holdfast.emoji';
const ICONS = {
  recent: 'clock',
  smileys: 'smile',
  people: 'users',
  nature: 'leaf',
  food: 'utensils',
  travel: 'plane',
  activities: 'volleyball',
  objects: 'lightbulb',
  symbols: 'hash',
  flags: 'flag',
};

export class EmojiPicker {
  #element = /** @type {HTMLElement} */ (document.getElementById('emoji-picker'));
  #search = /** @type {HTMLInputElement} */ (slot(this.#element, 'search'));
  #body = slot(this.#element, 'groups');
  #found = slot(this.#element, 'found');
  #tabs = slot(this.#element, 'tabs');
  /** @type {import('./emoji_table.js').Group[]} */
  #groups = [];
  /** The group that is shown. */
  #shown = 'recent';
  /** @type {((emoji: string) => void) | null} */
  #chosen = null;
  /** The focus returns to the first of these that is still in the page. @type {HTMLElement[]} */
  #focusTargets = [];

  constructor() {
    this.#element.addEventListener('click', (event) => this.#click(event));
    onKey(this.#element, (event) => this.#key(event));
    this.#element.addEventListener('focusin', (event) =>
      this.#rove(/** @type {Element} */ (event.target).closest('.emoji-picker__one')),
    );
    this.#element.addEventListener('toggle', (event) =>
      this.#toggled(/** @type {ToggleEvent} */ (event).newState === 'open'),
    );
    this.#search.addEventListener('input', () => this.#filter());
  }

  /**
   * @param {HTMLElement} opener
   * @param {(emoji: string) => void} chosen
   */
  open(opener, chosen) {
    const around = /** @type {HTMLElement | null} */ (opener.closest('.message'));
    this.#focusTargets = around ? [opener, around] : [opener];
    this.#chosen = chosen;
    this.#search.value = '';
    this.#show('recent');
    this.#filter();
    this.#element.showPopover();
    placeBeside(this.#element, opener);
    this.#search.focus({ preventScroll: true });
    void this.#load();
  }

  async #load() {
    if (this.#groups.length > 0) return;
    try {
      this.#groups = await emojiGroups();
      this.#tabs.replaceChildren(...['recent', ...this.#groups.map(({ name }) => name)].map(tab));
      setText(this.#element, 'state', '');
    } catch {
      setText(this.#element, 'state', words.emojiFailed);
    }
    if (this.#shown === 'recent') this.#show('recent');
    this.#filter();
  }

  /**
   * Draw one group, because two thousand emoji at once are slow. The recent ones leave room for the
   * first group below them.
   * @param {string} name
   */
  #show(name) {
    this.#shown = name;
    const signs = [...new Set([...this.#recent, ...COMMON])].slice(0, MAX_RECENT);
    const recent = {
      name: 'recent',
      emoji: signs.map((sign) => ({ sign, codes: [], name: '', found: '' })),
    };
    const groups =
      name === 'recent'
        ? [recent, ...this.#groups.slice(0, 1)]
        : this.#groups.filter((group) => group.name === name);
    this.#body.replaceChildren(...groups.map(section));
    /** @type {HTMLElement} */ (this.#body.parentElement).scrollTop = 0;
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (
      this.#tabs.querySelectorAll('[data-group]')
    ))
      one.setAttribute('aria-pressed', String(one.dataset.group === name));
    this.#rove(this.#body.querySelector('.emoji-picker__one'));
  }

  /** Show the matches of the search, or all groups. */
  #filter() {
    const typed = this.#search.value.trim();
    this.#found.hidden = typed === '';
    this.#body.hidden = typed !== '';
    if (typed === '') return this.#rove(this.#body.querySelector('.emoji-picker__one'));
    const found = searchEmoji(this.#groups, typed, MAX_FOUND);
    slot(this.#found, 'grid').replaceChildren(...found.map(button));
    // Without the table nothing was searched: `state` says why.
    const searched = this.#groups.length > 0;
    setText(this.#found, 'nothing', searched && found.length === 0 ? common.found(0) : '');
    this.#rove(this.#found.querySelector('.emoji-picker__one'));
    announce(
      searched ? common.found(found.length) : (slot(this.#element, 'state').textContent ?? ''),
    );
  }

  /** Roving tabindex: Tab reaches one emoji, and arrows the others. @param {Element | null} one */
  #rove(one) {
    if (!one) return;
    for (const other of /** @type {NodeListOf<HTMLElement>} */ (
      this.#element.querySelectorAll('.emoji-picker__one[tabindex="0"]')
    ))
      other.tabIndex = -1;
    /** @type {HTMLElement} */ (one).tabIndex = 0;
  }

  /** @param {Event} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const one = target.closest('.emoji-picker__one');
    const tab = /** @type {HTMLElement | null} */ (target.closest('.emoji-picker__tab'));
    if (tab) this.#goTo(tab.dataset.group ?? '');
    if (one) this.#choose(one.textContent ?? '');
  }

  /** @param {string} name */
  #goTo(name) {
    this.#search.value = '';
    this.#filter();
    this.#show(name);
    /** @type {HTMLElement | null} */ (this.#body.querySelector('.emoji-picker__one'))?.focus({
      preventScroll: true,
    });
  }

  /** @param {string} sign */
  #choose(sign) {
    const chosen = this.#chosen;
    this.#recent = [sign, ...this.#recent.filter((other) => other !== sign)].slice(0, MAX_RECENT);
    this.#element.hidePopover();
    this.#restoreFocus();
    chosen?.(sign);
  }

  /** @param {boolean} open */
  #toggled(open) {
    this.#focusTargets[0]?.setAttribute('aria-expanded', String(open));
    if (
      !open &&
      (document.activeElement === document.body || this.#element.contains(document.activeElement))
    )
      this.#restoreFocus();
  }

  /** A message's toolbar disappears without the focus; then the message itself gets it. */
  #restoreFocus() {
    this.#focusTargets.find((element) => element.isConnected)?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const shown = this.#search.value.trim() === '' ? this.#body : this.#found;
    const all = /** @type {HTMLElement[]} */ ([...shown.querySelectorAll('.emoji-picker__one')]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (document.activeElement === this.#search) {
      if (event.key === 'Enter' && shown === this.#found && all[0])
        this.#choose(all[0].textContent ?? '');
      else if (event.key === 'ArrowDown') all[0]?.focus();
      else return;
      return event.preventDefault();
    }
    if (at < 0) return;
    const onwards = document.documentElement.dir === 'rtl';
    const ways = {
      ArrowRight: onwards ? 'previous' : 'next',
      ArrowLeft: onwards ? 'next' : 'previous',
      ArrowDown: 'below',
      ArrowUp: 'above',
      Home: 'first',
      End: 'last',
    };
    const way = ways[/** @type {keyof typeof ways} */ (event.key)];
    if (way) {
      event.preventDefault();
      const grids = [...shown.querySelectorAll('.emoji-picker__grid')];
      const columns = getComputedStyle(grids[0]).gridTemplateColumns.split(' ').length;
      const to = stepInGrids(
        grids.map((grid) => grid.children.length),
        columns,
        at,
        /** @type {any} */ (way),
      );
      if (to === at && way === 'above') this.#search.focus();
      else all[to].focus();
    } else if (
      event.key.length === 1 &&
      event.key !== ' ' &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.altKey
    ) {
      // The letter goes into the search field.
      this.#search.focus();
    }
  }

  /** @returns {string[]} */
  get #recent() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]');
      return Array.isArray(kept)
        ? kept.filter((sign) => typeof sign === 'string').slice(0, MAX_RECENT)
        : [];
    } catch {
      // Storage is forbidden, or its value is invalid.
      return [];
    }
  }

  set #recent(signs) {
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(signs));
    } catch {
      // Storage is forbidden or full: the common ones are still shown.
    }
  }
}

/** @param {string} name */
const labelOf = (name) => words.emojiGroups[/** @type {keyof typeof words.emojiGroups} */ (name)];

/** @param {import('./emoji_table.js').Group} group */
function section({ name, emoji }) {
  const element = clone('emoji-group-template');
  setText(element, 'name', labelOf(name));
  slot(element, 'grid').append(...emoji.map(button));
  return element;
}

/** @param {string} name */
function tab(name) {
  const element = clone('emoji-tab-template');
  element.dataset.group = name;
  element.title = labelOf(name);
  element.setAttribute('aria-label', labelOf(name));
  element.setAttribute('aria-pressed', String(name === 'recent'));
  setIcon(
    /** @type {Element} */ (element.firstElementChild),
    ICONS[/** @type {keyof typeof ICONS} */ (name)],
  );
  return element;
}

/** @param {Emoji} emoji */
function button({ sign, name, codes }) {
  const element = document.createElement('button');
  element.type = 'button';
  element.tabIndex = -1;
  element.className = 'emoji-picker__one';
  element.textContent = sign;
  if (name) element.title = codes.length > 0 ? `${name} :${codes[0]}:` : name;
  return element;
}
