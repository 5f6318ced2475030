/**
 * Rooms that notify the user of nothing for a time. The end is a time of the server; the page
 * follows it without a request. No DOM.
 * @module
 */

import { serverNow, untilServerTime } from '../../realtime/lib/server_clock.js';

/** @typedef {import('../../realtime/types.js').Clock} Clock */

const HOUR_SECONDS = 3600;
const WEEK_SECONDS = 7 * 24 * HOUR_SECONDS;
/** "Until tomorrow" ends when a working day begins. */
const MORNING_HOUR = 8;
/** Browsers count a timer in 32 bits, so a longer one would end at once. */
const LONGEST_TIMER_MS = 24 * HOUR_SECONDS * 1000;

/** Waits for the end of one room's quiet time. */
export class QuietTime {
  #ended;
  #clock;
  /** @type {string | null} */
  #until = null;
  /** @type {unknown} */
  #timer = null;

  /**
   * @param {() => void} ended
   * @param {Clock} clock
   */
  constructor(ended, clock) {
    this.#ended = ended;
    this.#clock = clock;
  }

  /** The end, while it lies ahead. */
  get until() {
    return this.#left > 0 ? this.#until : null;
  }

  /** @param {string | null} until */
  set(until) {
    if (until === this.#until) return;
    this.#until = until;
    this.#clock.clearTimeout(this.#timer);
    this.#wait();
  }

  get #left() {
    return this.#until === null ? 0 : untilServerTime(this.#until, this.#clock.now());
  }

  #wait() {
    const left = this.#left;
    if (left <= 0) return;
    this.#timer = this.#clock.setTimeout(
      () => {
        if (this.#left > 0) this.#wait();
        else this.#ended();
      },
      Math.min(left, LONGEST_TIMER_MS),
    );
  }
}

/**
 * How long a mute of each kind lasts, in seconds.
 * @param {number} [now]  in milliseconds since 1970, by the server's clock
 */
export function quietChoices(now = serverNow()) {
  const morning = new Date(now);
  morning.setDate(morning.getDate() + 1);
  morning.setHours(MORNING_HOUR, 0, 0, 0);
  return {
    hour: HOUR_SECONDS,
    tomorrow: Math.ceil((morning.getTime() - now) / 1000),
    week: WEEK_SECONDS,
  };
}
