/**
 * The button over the rooms that leads to an unread room out of sight.
 * @module
 */

import { setIcon, setText, slot } from '../lib/dom.js';
import { PerFrame } from '../lib/per_frame.js';
import { words } from './words.js';

export class UnreadPill {
  #scroll;
  #button;
  /** The room that the button leads to. @type {HTMLElement | undefined} */
  #target;
  #painting = new PerFrame(() => this.#paint());

  /** @param {HTMLElement} root  the sidebar */
  constructor(root) {
    this.#scroll = /** @type {HTMLElement} */ (root.querySelector('.sidebar__scroll'));
    this.#button = slot(root, 'unread-pill');
    this.#scroll.addEventListener('scroll', () => this.changed(), { passive: true });
    new ResizeObserver(() => this.changed()).observe(this.#scroll);
    this.#button.addEventListener('click', () => {
      this.#target?.scrollIntoView({ block: 'center' });
      this.#target?.focus({ preventScroll: true });
    });
  }

  changed() {
    this.#painting.soon();
  }

  #paint() {
    const { top, bottom } = this.#scroll.getBoundingClientRect();
    const unread = /** @type {HTMLElement[]} */ ([
      ...this.#scroll.querySelectorAll('.place[data-unread="true"]'),
    ]);
    const below = unread.find((place) => place.getBoundingClientRect().top >= bottom);
    const above = unread.findLast((place) => place.getBoundingClientRect().bottom <= top);
    this.#target = below ?? above;
    this.#button.hidden = !this.#target;
    this.#button.dataset.way = below ? 'below' : 'above';
    if (!this.#target) return;
    setText(this.#button, 'pill-words', below ? words.unreadBelow : words.unreadAbove);
    setIcon(this.#button, below ? 'arrow-down' : 'arrow-up');
  }
}
