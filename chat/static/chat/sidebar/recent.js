/**
 * Which rooms were looked at last, on this device.
 * @module
 */

const MOST_KEPT = 50;

export class Recent {
  #key;
  #storage;
  /** The latest first. @type {number[]} */
  #ids;

  /**
   * @param {number} userId
   * @param {Pick<Storage, 'getItem' | 'setItem'>} [storage]
   */
  constructor(userId, storage = localStorage) {
    this.#key = `holdfast.recent.${userId}`;
    this.#storage = storage;
    this.#ids = this.#read();
  }

  /** @param {number} roomId */
  visited(roomId) {
    // Other tabs have been somewhere too.
    this.#ids = [roomId, ...this.#read().filter((id) => id !== roomId)].slice(0, MOST_KEPT);
    try {
      this.#storage.setItem(this.#key, JSON.stringify(this.#ids));
    } catch {
      // Full or forbidden: then it is forgotten with the page.
    }
  }

  /** 0: the latest; Infinity: not among them. @param {number} roomId */
  recency(roomId) {
    const at = this.#ids.indexOf(roomId);
    return at < 0 ? Infinity : at;
  }

  /** @returns {number[]} */
  #read() {
    try {
      const found = JSON.parse(this.#storage.getItem(this.#key) ?? 'null');
      return Array.isArray(found) ? found.filter(Number.isSafeInteger) : (this.#ids ?? []);
    } catch {
      return this.#ids ?? [];
    }
  }
}
