/**
 * The picker of common emoji: one popover for the whole page, opened beside whatever asked for it.
 * @module
 */

import { placeBeside } from './menu.js';

const EMOJI = [
  '👍', '❤️', '😂', '🎉', '🙏', '👀', '🚀', '✅',
  '😀', '😅', '😊', '😍', '🤔', '😮', '😢', '😡',
  '👏', '🙌', '💪', '🤝', '👋', '👌', '🤞', '💯',
  '🔥', '✨', '⭐', '💡', '📌', '⚠️', '❓', '❌',
  '☕', '🍰', '🐛', '🔧', '📦', '🕐', '🌱', '🌊',
];

const COLUMNS_SHOWN = 8;

export class EmojiPicker {
  #element;
  /** @type {((emoji: string) => void) | null} */
  #chosen = null;
  /** @type {HTMLElement | null} */
  #opener = null;

  constructor() {
    this.#element = /** @type {HTMLElement} */ (document.getElementById('emoji-picker'));
    this.#element.append(...EMOJI.map((emoji) => button(emoji)));
    this.#element.addEventListener('click', (event) => this.#click(event));
    this.#element.addEventListener('keydown', (event) => this.#key(event));
  }

  /**
   * @param {HTMLElement} opener
   * @param {(emoji: string) => void} chosen
   */
  open(opener, chosen) {
    this.#opener = opener;
    this.#chosen = chosen;
    this.#element.showPopover();
    placeBeside(this.#element, opener);
    /** @type {HTMLElement} */ (this.#element.firstElementChild).focus();
  }

  /** @param {Event} event */
  #click(event) {
    const one = /** @type {Element} */ (event.target).closest('button');
    if (!one) return;
    this.#element.hidePopover();
    this.#opener?.focus();
    this.#chosen?.(one.textContent ?? '');
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const all = [...this.#element.children];
    const at = all.indexOf(/** @type {Element} */ (document.activeElement));
    const onwards = document.documentElement.dir === 'rtl' ? -1 : 1;
    const steps = { ArrowRight: onwards, ArrowLeft: -onwards, ArrowDown: COLUMNS_SHOWN, ArrowUp: -COLUMNS_SHOWN };
    const step = /** @type {Record<string, number>} */ (steps)[event.key];
    if (step === undefined) return;
    event.preventDefault();
    /** @type {HTMLElement | undefined} */ (all[Math.min(Math.max(at + step, 0), all.length - 1)])?.focus();
  }
}

/** @param {string} emoji */
function button(emoji) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = 'emoji-picker__one';
  element.textContent = emoji;
  return element;
}
