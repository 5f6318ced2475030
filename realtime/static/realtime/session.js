/**
 * Whether a page whose connection was closed with "session ended" is still signed in. No DOM.
 *
 * A new password ends the connections of all sessions, those of the session that changed it among
 * them: it goes on under a new key, which the browser's other tabs have as well as soon as the
 * answer to the form has come. So the page asks, a few times, before it says anything.
 *
 *     const session = new Session({ client, ask: () => api.get('/api/announcements/'), told: () =>
 *     … });
 * @module
 */

import { CloseCode, DEACTIVATED } from './connection/codes.js';
import { realClock } from './lib/clock.js';

/** @typedef {import('./types.js').Clock} Clock */
/** @typedef {import('./types.js').ConnectionState} ConnectionState */

/** Before each question: the connection may be closed before the new key is here. */
export const PAUSES_MS = Object.freeze([100, 1_000, 2_000]);
/** A connection that is closed again so soon after the answer was "signed in" is believed. */
export const TRUSTED_AFTER_MS = 10_000;

/**
 * @typedef {object} SessionOptions
 * @property {Pick<import('./client.js').Client, 'on' | 'start'>} client
 * @property {() => Promise<unknown>} ask  a cheap request that needs a session
 * @property {() => void} [told]  `doubted` has changed
 * @property {Clock} [clock]
 */

export class Session {
  #client;
  #ask;
  #told;
  #clock;
  #confirmedAt = -Infinity;

  /** @param {SessionOptions} options */
  constructor({ client, ask, told = () => {}, clock = realClock }) {
    this.#client = client;
    this.#ask = ask;
    this.#told = told;
    this.#clock = clock;
    /** The connection was closed because the session ended, and whether it has is being asked. */
    this.doubted = false;
    client.on('state', (state) => this.#entered(state));
  }

  /** @param {ConnectionState} state */
  #entered(state) {
    if (this.doubted || state.name !== 'stopped' || state.code !== CloseCode.SESSION_ENDED) return;
    if (state.reason === DEACTIVATED) return; // no new key comes after that
    if (this.#clock.now() - this.#confirmedAt < TRUSTED_AFTER_MS) return;
    this.doubted = true;
    void this.#decide();
  }

  async #decide() {
    const valid = await this.#isValid();
    this.doubted = false;
    if (valid) {
      this.#confirmedAt = this.#clock.now();
      this.#client.start();
    }
    this.#told();
  }

  async #isValid() {
    for (const pause of PAUSES_MS) {
      await new Promise((resolve) => this.#clock.setTimeout(() => resolve(undefined), pause));
      try {
        await this.#ask();
        return true;
      } catch (error) {
        // Without an answer nothing is known; connecting will tell, as soon as it can.
        if (![401, 403].includes(/** @type {any} */ (error).status)) return true;
      }
    }
    return false;
  }
}
