/**
 * Menus: one popover for the whole page, filled with the present items.
 * @module
 */

import { clone, setIcon, setText } from './dom.js';
import { onKey } from './keys.js';

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {string} icon
 * @property {() => void} run
 * @property {boolean} [danger]
 */

/** Pixels between a menu and its opener. */
const GAP = 6;

/**
 * Place an open popover beside its opener, where there is room. The position is set in custom
 * properties, because the Content-Security-Policy forbids style attributes in markup.
 * @param {HTMLElement} popover
 * @param {HTMLElement} opener
 * @param {'start' | 'end'} [align]  the edge that both share
 */
export function placeBeside(popover, opener, align = 'end') {
  const anchor = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = anchor.bottom + GAP + height <= innerHeight;
  const top = below ? anchor.bottom + GAP : Math.max(GAP, anchor.top - GAP - height);
  const rtl = document.documentElement.dir === 'rtl';
  const [before, after] = rtl
    ? [innerWidth - anchor.right, innerWidth - anchor.left]
    : [anchor.left, anchor.right];
  const wanted = align === 'start' ? before : after - width;
  const start = Math.min(Math.max(GAP, wanted), Math.max(GAP, innerWidth - width - GAP));
  popover.style.setProperty('--menu-top', `${Math.round(top)}px`);
  popover.style.setProperty('--menu-start', `${Math.round(start)}px`);
}

export class Menu {
  #element;
  /** @type {HTMLElement | null} */
  #opener = null;

  constructor() {
    this.#element = /** @type {HTMLElement} */ (document.getElementById('menu'));
    onKey(this.#element, moveWithArrows);
    this.#element.addEventListener('toggle', (event) => {
      const open = /** @type {ToggleEvent} */ (event).newState === 'open';
      // A message that opens its menu is no button.
      if (this.#opener?.ariaHasPopup) this.#opener.setAttribute('aria-expanded', String(open));
    });
  }

  /**
   * @param {HTMLElement} opener
   * @param {string} label
   * @param {MenuItem[]} items
   */
  open(opener, label, items) {
    this.#opener = opener;
    this.#element.setAttribute('aria-label', label);
    this.#element.replaceChildren(...items.map((item) => this.#item(item)));
    this.#element.showPopover();
    placeBeside(this.#element, opener);
    /** @type {HTMLElement | null} */ (this.#element.firstElementChild)?.focus();
  }

  /** @param {MenuItem} item */
  #item({ label, icon, run, danger = false }) {
    const element = clone('menu-item-template');
    element.classList.toggle('menu__item--danger', danger);
    setIcon(/** @type {Element} */ (element.firstElementChild), icon);
    setText(element, 'label', label);
    element.addEventListener('click', () => {
      this.#element.hidePopover();
      this.#opener?.focus();
      run();
    });
    return element;
  }
}

/** @param {KeyboardEvent} event */
export function moveWithArrows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [
    .../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll('[role="menuitem"]'),
  ];
  const at = items.indexOf(/** @type {Element} */ (document.activeElement));
  /** @type {HTMLElement | undefined} */ (
    items[(at + step + items.length) % items.length]
  )?.focus();
}
