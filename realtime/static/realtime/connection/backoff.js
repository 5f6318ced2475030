/**
 * How long to wait before trying again: full jitter, from 0.5 s doubling to 20 s (docs/protocol.md
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

  /** How often `next` was asked since the last success. */
  get failures() {
    return this.#failures;
  }

  /** Return the milliseconds to wait after one more failure. */
  next() {
    // The exponent is bounded as well: after a week offline 2 ** failures would be Infinity.
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return this.#random() * most;
  }

  /** Start from the first interval again. */
  reset() {
    this.#failures = 0;
  }
}
