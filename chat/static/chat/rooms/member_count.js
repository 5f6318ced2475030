/**
 * The member count of a room, kept up to date. No DOM.
 *
 * A membership event has the new state of a member but not the previous one, so the count is
 * requested after it. The request is delayed, by a random time in a large room: when many users
 * join, the viewers of the room must not send a wave of requests.
 * @module
 */

/** @typedef {import('../../realtime/types.js').Clock} Clock */

/** Members often join in groups. */
export const BATCH_MS = 300;
/** The delay for each member, so that all viewers together send at most 100 requests a second. */
export const MS_PER_MEMBER = 10;

export class MemberCount {
  #fetch;
  #counted;
  #clock;
  #askedAt = -Infinity;
  /** @type {unknown} */
  #timer = null;
  /** A membership changed after the last request was sent. */
  #stale = false;
  #asking = false;

  /**
   * @param {() => Promise<number>} fetch
   * @param {(count: number) => void} counted
   * @param {Clock} clock
   */
  constructor(fetch, counted, clock) {
    this.#fetch = fetch;
    this.#counted = counted;
    this.#clock = clock;
    this.value = 0;
  }

  /** The count, as the server sent it. @param {number} value */
  set(value) {
    if (value === this.value) return;
    this.value = value;
    this.#counted(value);
  }

  /** A membership changed. */
  changed() {
    this.#stale = true;
    if (this.#timer !== null || this.#asking) return;
    const earliest = this.#askedAt + this.value * MS_PER_MEMBER;
    const wait = Math.max(BATCH_MS, earliest - this.#clock.now()) * (1 + this.#clock.random());
    this.#timer = this.#clock.setTimeout(() => void this.#update(), wait);
  }

  /** The room is no longer shown. */
  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #update() {
    this.#timer = null;
    this.#stale = false;
    this.#asking = true;
    this.#askedAt = this.#clock.now();
    try {
      this.set(await this.#fetch());
    } catch {
      // Offline, or no longer a member: the next change or snapshot brings the count.
    } finally {
      this.#asking = false;
    }
    if (this.#stale) this.changed();
  }
}
