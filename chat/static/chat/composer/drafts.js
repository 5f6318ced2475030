/**
 * An unsent text, stored for each user and room, so that a reload does not lose it.
 * @module
 */

import { mayStore } from '../account/personal_data.js';

export class Drafts {
  #name;

  /**
   * @param {number} userId
   * @param {number} roomId
   */
  constructor(userId, roomId) {
    this.#name = `holdfast.draft.${userId}.${roomId}`;
  }

  get text() {
    try {
      return localStorage.getItem(this.#name) ?? '';
    } catch {
      // Storage is forbidden: the text lives as long as the page.
      return '';
    }
  }

  set text(text) {
    if (!mayStore()) return;
    try {
      if (text === '') localStorage.removeItem(this.#name);
      else localStorage.setItem(this.#name, text);
    } catch {
      // Storage is forbidden or full: the composer still has the text.
    }
  }
}
