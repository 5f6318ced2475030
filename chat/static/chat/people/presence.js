/**
 * The users that are present in a room, and those that type, as signals report them. No DOM.
 * @module
 */

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').Signal} Signal
 */

/** From the arrival of a signal; writers repeat it every 3 s. */
const TYPING_MS = 6000;

export class Presence {
  #meId;
  #fetch;
  #changed;
  /** Until when each user is shown as typing, in milliseconds since 1970. @type {Map<number, number>} */
  #typing = new Map();
  /**
   * The present users; null before `load`, and in rooms that report only their count.
   * @type {Set<number> | null}
   */
  users = null;
  count = 0;

  /**
   * @param {number} meId
   * @param {() => Promise<{count: number, users: number[] | null}>} fetch
   * @param {(what: 'typing' | 'presence') => void} changed
   */
  constructor(meId, fetch, changed) {
    this.#meId = meId;
    this.#fetch = fetch;
    this.#changed = changed;
  }

  /** Typing users, without the user of this page. @returns {number[]} */
  get typing() {
    const now = Date.now();
    return [...this.#typing].filter(([, until]) => until > now).map(([id]) => id);
  }

  /** Load the present users; signals update them from then on. */
  async load() {
    const { count, users } = await this.#fetch();
    this.count = count;
    this.users = users ? new Set(users) : null;
    this.#changed('presence');
  }

  /** @param {Signal} signal */
  receive({ kind, data }) {
    if (kind === 'typing' && data.user !== this.#meId) {
      this.#typing.set(data.user, Date.now() + TYPING_MS);
      this.#changed('typing');
    }
    if (kind === 'presence') this.#membersChanged(data);
  }

  /** A message of this user arrived. @param {number} userId */
  stoppedTyping(userId) {
    this.#typing.delete(userId);
  }

  /** @param {Row} data */
  #membersChanged({ count, joined = [], left = [] }) {
    this.count = count;
    for (const id of joined) this.users?.add(id);
    for (const id of left) this.users?.delete(id);
    this.#changed('presence');
  }
}
