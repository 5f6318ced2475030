/**
 * The directory of rooms: narrowed while one types, and joined from.
 * @module
 */

import { onAction, slot, toast } from './dom.js';

export class DirectoryView {
  #root;

  /**
   * @param {HTMLElement} root
   * @param {(roomId: number, url: string) => Promise<void>} join
   */
  constructor(root, join) {
    this.#root = root;
    const search = /** @type {HTMLInputElement} */ (slot(root, 'search'));
    search.addEventListener('input', () => this.#narrow(search.value));
    search.form?.addEventListener('submit', (event) => event.preventDefault());
    onAction(root, {
      join: (_event, element) => void join(Number(element.dataset.room), element.dataset.url ?? '/').catch((error) => toast(error.message)),
    });
  }

  leave() {}

  /** @param {string} typed */
  #narrow(typed) {
    const wanted = typed.trim().toLowerCase();
    const rooms = /** @type {NodeListOf<HTMLElement>} */ (this.#root.querySelectorAll('.directory__room'));
    for (const room of rooms) room.hidden = !(room.dataset.words ?? '').includes(wanted);
    slot(this.#root, 'empty').hidden = [...rooms].some((room) => !room.hidden);
  }
}
