/**
 * Many buttons or links as one stop of the Tab key: arrow keys move between them, and Tab leads to
 * the last one (WAI-ARIA, roving tabindex).
 * @module
 */

import { onKey } from './keys.js';

const STEPS = {
  vertical: { ArrowDown: 1, ArrowUp: -1 },
  horizontal: { ArrowRight: 1, ArrowLeft: -1 },
};

export class Roving {
  #root;
  #selector;
  #way;
  /** @type {HTMLElement | null} */
  #last = null;

  /**
   * @param {HTMLElement} root
   * @param {string} selector
   * @param {'vertical' | 'horizontal'} way
   */
  constructor(root, selector, way) {
    this.#root = root;
    this.#selector = selector;
    this.#way = way;
    onKey(root, (event) => this.#key(event));
    root.addEventListener('focusin', (event) => {
      const item = /** @type {HTMLElement} */ (event.target).closest(selector);
      if (item) this.lead(/** @type {HTMLElement} */ (item));
    });
    new ResizeObserver(() => this.lead()).observe(root);
    this.lead();
  }

  /**
   * The Tab key leads to this item; by default to the last one, if it is still there.
   * @param {HTMLElement | null} [item]
   */
  lead(item = this.#last) {
    const items = this.#items;
    this.#last = item && items.includes(item) ? item : (items[0] ?? null);
    for (const each of items) {
      const tabIndex = each === this.#last ? '0' : '-1';
      if (each.getAttribute('tabindex') !== tabIndex) each.setAttribute('tabindex', tabIndex);
    }
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#root.querySelectorAll(this.#selector)]).filter(
      (item) => item.checkVisibility({ visibilityProperty: true }),
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const rtl = this.#way === 'horizontal' && document.documentElement.dir === 'rtl';
    const step = /** @type {Record<string, number>} */ (STEPS[this.#way])[event.key];
    const to =
      { Home: 0, End: items.length - 1 }[event.key] ?? (step ? at + (rtl ? -step : step) : -1);
    if (to < 0 || to >= items.length) return;
    event.preventDefault();
    items[to].focus();
  }
}
