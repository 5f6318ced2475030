/**
 * Going through a list of notifications with the keyboard: which one has the focus, and where the
 * focus goes when that one leaves.
 * @module
 */

import { onKey } from '../lib/keys.js';

/**
 * @typedef {object} Acts  what the keys do with the notification that has the focus
 * @property {(item: HTMLElement) => void} archive
 * @property {(item: HTMLElement) => void} toggleRead
 * @property {(item: HTMLElement, open: boolean) => void} fold
 * @property {() => void} undo
 */

export class Triage {
  #list;
  #acts;
  #shortcuts;

  /**
   * @param {HTMLElement} list
   * @param {Acts} acts
   * @param {import('../lib/shortcuts.js').Shortcuts} shortcuts
   * @param {AbortSignal} signal
   */
  constructor(list, acts, shortcuts, signal) {
    this.#list = list;
    this.#acts = acts;
    this.#shortcuts = shortcuts;
    onKey(document, (event) => this.#pressed(event), { signal });
  }

  /**
   * Change the list, and keep the focus where it was: on the same notification, else on the one in
   * its place.
   * @param {() => void} change
   */
  around(change) {
    const before = this.#focused();
    const index = before ? this.#items().indexOf(before) : -1;
    const key = before?.dataset.key;
    change();
    if (!before || before.contains(document.activeElement)) return;
    const items = this.#items();
    focus(
      items.find((item) => item.dataset.key === key) ?? items[Math.min(index, items.length - 1)],
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.shiftKey ||
      !this.#isListening(event)
    )
      return;
    const item = this.#focused();
    const act = this.#shortcuts.action('inbox', event);
    if (act === 'undo') this.#acts.undo();
    else if (act === 'next' || act === 'previous') this.#move(item, act === 'next' ? 1 : -1);
    else if (item && act === 'archive') this.#acts.archive(item);
    else if (item && act === 'toggleRead') this.#acts.toggleRead(item);
    else if (item && (event.key === 'ArrowRight' || event.key === 'ArrowLeft'))
      this.#acts.fold(item, opens(event.key));
    else return;
    event.preventDefault();
  }

  /**
   * Not while the user types, uses a menu, or answers a dialog.
   * @param {KeyboardEvent} event
   */
  #isListening(event) {
    const target = /** @type {Element} */ (event.target);
    if (!this.#list.isConnected || document.querySelector('dialog[open], [popover]:popover-open'))
      return false;
    return !target.closest('input, textarea, select, [contenteditable], nav, [role="menu"]');
  }

  /**
   * @param {HTMLElement | null} item
   * @param {1 | -1} step
   */
  #move(item, step) {
    const items = this.#items();
    const index = item ? items.indexOf(item) + step : 0;
    focus(items[Math.max(0, Math.min(index, items.length - 1))]);
  }

  /** Those that one sees, in the order of the screen. @returns {HTMLElement[]} */
  #items() {
    const all = /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll('.notice')]);
    return all.filter((item) => item.parentElement?.dataset.open !== 'false');
  }

  #focused() {
    const item = document.activeElement?.closest('.notice') ?? null;
    return item && this.#list.contains(item) ? /** @type {HTMLElement} */ (item) : null;
  }
}

/** @param {string} key */
const opens = (key) =>
  document.documentElement.dir === 'rtl' ? key === 'ArrowLeft' : key === 'ArrowRight';

/** @param {HTMLElement | undefined} item */
function focus(item) {
  const title = /** @type {HTMLElement | null | undefined} */ (
    item?.querySelector('[data-slot="title"]')
  );
  title?.focus();
  item?.scrollIntoView({ block: 'nearest' });
}
