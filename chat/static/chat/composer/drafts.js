/**
 * A text that is not sent yet, kept per person and room, so that no reload eats it.
 * @module
 */

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
      return ''; // storage is forbidden here: the text lives as long as the page
    }
  }

  set text(text) {
    try {
      if (text === '') localStorage.removeItem(this.#name);
      else localStorage.setItem(this.#name, text);
    } catch {
      // Forbidden or full: the composer itself still has the text.
    }
  }
}
