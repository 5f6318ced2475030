/**
 * The formatting menu: each item shows a Markdown syntax and its result, and applies it. One
 * popover for the whole page.
 * @module
 */

import { slot } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { moveWithArrows, placeBeside } from '../lib/menu.js';
import { SHORTCUTS } from '../lib/shortcuts.js';
import { keyCaps } from '../lib/shortcuts_view.js';

/** @typedef {import('./formatting.js').Format} Format */

export class FormatMenu {
  #element = /** @type {HTMLElement} */ (document.getElementById('formats'));
  /** @type {((format: Format) => void) | null} */
  #chosen = null;
  /** @type {HTMLElement | null} */
  #opener = null;

  /** @param {boolean} mac */
  constructor(mac) {
    for (const item of this.#items) {
      const keys =
        SHORTCUTS.find(({ group, action }) => group === 'writing' && action === item.dataset.format)
          ?.keys ?? [];
      slot(item, 'keys').append(...keys.map((key) => keyCaps(key, mac)));
    }
    onKey(this.#element, moveWithArrows);
    this.#element.addEventListener('click', (event) => this.#click(event));
    this.#element.addEventListener('toggle', (event) =>
      this.#opener?.setAttribute(
        'aria-expanded',
        String(/** @type {ToggleEvent} */ (event).newState === 'open'),
      ),
    );
  }

  /** @returns {NodeListOf<HTMLElement>} */
  get #items() {
    return this.#element.querySelectorAll('[data-format]');
  }

  /**
   * @param {HTMLElement} opener
   * @param {(format: Format) => void} chosen
   */
  open(opener, chosen) {
    this.#opener = opener;
    this.#chosen = chosen;
    this.#element.showPopover();
    placeBeside(this.#element, opener);
    this.#items[0].focus();
  }

  /** @param {Event} event */
  #click(event) {
    const item = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (event.target).closest('[data-format]')
    );
    if (!item) return;
    this.#element.hidePopover();
    this.#chosen?.(/** @type {Format} */ (item.dataset.format));
  }
}
