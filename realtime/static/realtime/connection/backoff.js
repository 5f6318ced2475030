/**
 * The time before another attempt: full jitter, from 0.5 s doubling to 20 s (docs/protocol.md
 * §7).
 *
 * Full jitter (a random part of the whole interval) spreads ten thousand clients that lost the same
 * node at the same moment.
 * @module
 */

export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_MAX_MS = 20_000;

export class Backoff {
  #failures = 0;
  #random;

  /** @param {() => number} random  in [0, 1) */
  constructor(random) {
    this.#random = random;
  }

  /** The calls of `next` since the last success. */
  get failures() {
    return this.#failures;
  }

  /** Return the milliseconds to wait after another failure. */
  next() {
    // The exponent is bounded: after a week offline, 2 ** failures would be Infinity.
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return this.#random() * most;
  }

  reset() {
    this.#failures = 0;
  }
}
