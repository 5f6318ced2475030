/**
 * The heartbeat of a peer that may fall silent: the server behind a WebSocket, or the tab that
 * holds the connection.
 *
 * A silent peer is pinged. Anything received after the ping proves that it is alive; if nothing
 * arrives before the timeout, it is lost.
 * @module
 */

/** @typedef {import('../types.js').Clock} Clock */

/** For the answer to a ping while no user waits for it. */
export const HEARTBEAT_TIMEOUT_MS = 10_000;

export class Heartbeat {
  #clock;
  #ping;
  #lost;
  #afterMs = 0;
  #receivedAt = 0;
  #received = 0;
  /** The next check of the silence, or the timeout of a ping. @type {unknown} */
  #timer = null;

  /**
   * @param {Clock} clock
   * @param {() => void} ping
   * @param {() => void} lost  nothing was received before the timeout
   */
  constructor(clock, ping, lost) {
    this.#clock = clock;
    this.#ping = ping;
    this.#lost = lost;
  }

  /** Something was received. */
  received() {
    this.#receivedAt = this.#clock.now();
    this.#received += 1;
  }

  /** From now on, ping after so much silence. @param {number} afterMs */
  start(afterMs) {
    this.#afterMs = afterMs;
    this.#schedule();
  }

  /** Ping now. @param {number} timeoutMs */
  check(timeoutMs) {
    const before = this.#received;
    this.stop();
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#received === before) this.#lost();
      else if (this.#afterMs > 0) this.#schedule();
    }, timeoutMs);
    this.#ping();
  }

  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** One timer for the whole silence, instead of one for each frame. */
  #schedule() {
    this.stop();
    const ms = Math.max(0, this.#receivedAt + this.#afterMs - this.#clock.now());
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#clock.now() - this.#receivedAt >= this.#afterMs) this.check(HEARTBEAT_TIMEOUT_MS);
      else this.#schedule();
    }, ms);
  }
}
