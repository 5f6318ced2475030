/**
 * Who is in a room at this moment, and who types: told by signals, and in no row. No DOM.
 * @module
 */

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').Signal} Signal
 */

export class Presence {
  #meId;
  #ask;
  #changed;
  /** Until when each of them types. @type {Map<number, number>} */
  #typing = new Map();
  /**
   * Who is here; null until asked, and where only their count is told.
   * @type {Set<number> | null}
   */
  users = null;
  count = 0;

  /**
   * @param {number} meId
   * @param {() => Promise<{count: number, users: number[] | null}>} ask
   * @param {(what: 'typing' | 'presence') => void} changed
   */
  constructor(meId, ask, changed) {
    this.#meId = meId;
    this.#ask = ask;
    this.#changed = changed;
  }

  /** Those who type now, but me. @returns {number[]} */
  get typing() {
    const now = Date.now();
    return [...this.#typing].filter(([, until]) => until > now).map(([id]) => id);
  }

  /** Ask who is here; from then on signals tell. */
  async ask() {
    const { count, users } = await this.#ask();
    this.count = count;
    this.users = users ? new Set(users) : null;
    this.#changed('presence');
  }

  /** @param {Signal} signal */
  heard({ kind, data }) {
    if (kind === 'typing' && data.user !== this.#meId) {
      this.#typing.set(data.user, Date.parse(data.until));
      this.#changed('typing');
    }
    if (kind === 'presence') this.#cameAndWent(data);
  }

  /** What somebody typed has arrived. @param {number} userId */
  wrote(userId) {
    this.#typing.delete(userId);
  }

  /** @param {Row} data */
  #cameAndWent({ count, joined = [], left = [] }) {
    this.count = count;
    for (const id of joined) this.users?.add(id);
    for (const id of left) this.users?.delete(id);
    this.#changed('presence');
  }
}
