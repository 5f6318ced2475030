/**
 * Sections of the sidebar that are folded: they show only unread rooms and the open one. The choice
 * is stored with the account.
 * @module
 */

import { onAction, toastError } from '../lib/dom.js';

/** @typedef {import('../../realtime/api.js').Api} Api */

export class Folding {
  #root;
  #api;
  #changed;

  /**
   * @param {HTMLElement} root  the sidebar
   * @param {Api} api
   * @param {() => void} changed  rooms have come into sight, or out of it
   */
  constructor(root, api, changed) {
    this.#root = root;
    this.#api = api;
    this.#changed = changed;
    onAction(root, { fold: (_event, button) => void this.#toggle(button) });
  }

  /** @param {string[]} folded  names of sections */
  show(folded) {
    for (const button of this.#buttons) {
      const section = sectionOf(button);
      const isFolded = folded.includes(section.dataset.section ?? '');
      section.dataset.folded = String(isFolded);
      button.setAttribute('aria-expanded', String(!isFolded));
    }
    this.#changed();
  }

  /** @param {HTMLElement} pressed */
  async #toggle(pressed) {
    const before = this.#folded;
    const name = sectionOf(pressed).dataset.section ?? '';
    const folded = before.includes(name)
      ? before.filter((each) => each !== name)
      : [...before, name];
    this.show(folded);
    try {
      await this.#api.patch('/api/display', { folded });
    } catch (error) {
      this.show(before);
      toastError(error);
    }
  }

  get #folded() {
    return this.#buttons
      .map(sectionOf)
      .filter((section) => section.dataset.folded === 'true')
      .map((section) => section.dataset.section ?? '');
  }

  get #buttons() {
    return /** @type {HTMLElement[]} */ ([...this.#root.querySelectorAll('[data-do="fold"]')]);
  }
}

/** @param {HTMLElement} button */
const sectionOf = (button) => /** @type {HTMLElement} */ (button.closest('[data-section]'));
