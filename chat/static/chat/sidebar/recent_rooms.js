/**
 * The rooms that were opened last, on this device.
 * @module
 */

const MAX_KEPT = 50;

export class RecentRooms {
  #key;
  #storage;
  /** The most recent first. @type {number[]} */
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
    // Other tabs have opened rooms too.
    this.#ids = [roomId, ...this.#read().filter((id) => id !== roomId)].slice(0, MAX_KEPT);
    try {
      this.#storage.setItem(this.#key, JSON.stringify(this.#ids));
    } catch {
      // Storage is full or forbidden: the list lives as long as the page.
    }
  }

  /** 0: the most recent; Infinity: not in the list. @param {number} roomId */
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
