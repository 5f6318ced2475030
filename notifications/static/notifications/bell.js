/**
 * The bell: shows how much of the inbox is unread (templates/notifications/_bell.html).
 * @module
 */

import { bellCount, bellLabel } from './words.js';

export class Bell {
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {number} unread */
  show(unread) {
    const count = /** @type {HTMLElement} */ (this.#element.querySelector('[data-slot="count"]'));
    count.hidden = unread === 0;
    count.textContent = bellCount(unread);
    this.#element.setAttribute('aria-label', bellLabel(unread));
    this.#element.dataset.unread = String(unread);
  }
}
