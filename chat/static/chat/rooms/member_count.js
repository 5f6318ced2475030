/**
 * How many members a room has, kept up to date. No DOM.
 *
 * A membership event says what somebody is now, not what they were; so after one the server is
 * asked for the number. Not at once and not by all at the same moment: where many look at a large
 * room, a wave of people who join must not become a wave of questions.
 * @module
 */

/** @typedef {import('../../realtime/types.js').Clock} Clock */

export const SOON_MS = 300; // people are added several at a time
// between two questions: all members together ask at most 100 times a second
export const MS_PER_MEMBER = 10;

export class MemberCount {
  #ask;
  #told;
  #clock;
  #askedAt = -Infinity;
  /** @type {unknown} */
  #timer = null;
  /** Something changed after the last question was asked. */
  #stale = false;
  #asking = false;

  /**
   * @param {() => Promise<number>} ask
   * @param {(count: number) => void} told
   * @param {Clock} clock
   */
  constructor(ask, told, clock) {
    this.#ask = ask;
    this.#told = told;
    this.#clock = clock;
    this.value = 0;
  }

  /** The server said so. @param {number} value */
  set(value) {
    if (value === this.value) return;
    this.value = value;
    this.#told(value);
  }

  /** A membership changed. */
  changed() {
    this.#stale = true;
    if (this.#timer !== null || this.#asking) return;
    const earliest = this.#askedAt + this.value * MS_PER_MEMBER;
    const wait = Math.max(SOON_MS, earliest - this.#clock.now()) * (1 + this.#clock.random());
    this.#timer = this.#clock.setTimeout(() => void this.#update(), wait);
  }

  /** Nobody looks any more. */
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
      this.set(await this.#ask());
    } catch {
      // Offline, or out of the room: the next change asks again, and a fresh snapshot brings its
      // own number.
    } finally {
      this.#asking = false;
    }
    if (this.#stale) this.changed();
  }
}
