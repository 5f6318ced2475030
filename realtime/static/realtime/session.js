/**
 * Checks whether a page is still signed in after its connection was closed with "session ended".
 * No DOM.
 *
 * A password change ends the connections of all sessions, including the one that changed it. That
 * session continues under a new key, which the browser's other tabs share once the form is
 * answered. So the page checks a few times before it shows that the session ended.
 *
 *     const check = () => api.get('/api/announcements/');
 *     const session = new Session({ client, check, changed: () => … });
 * @module
 */

import { CloseCode, DEACTIVATED } from './connection/codes.js';
import { realClock } from './lib/clock.js';

/** @typedef {import('./types.js').Clock} Clock */
/** @typedef {import('./types.js').ConnectionState} ConnectionState */

/** Before each check: the connection may close before the new key arrives. */
export const CHECK_DELAYS_MS = Object.freeze([100, 1_000, 2_000]);
/** A connection that closes again so soon after a successful check is not checked again. */
export const TRUSTED_AFTER_MS = 10_000;

/**
 * @typedef {object} SessionOptions
 * @property {Pick<import('./client.js').Client, 'on' | 'start'>} client
 * @property {() => Promise<unknown>} check  a cheap request that needs a session
 * @property {() => void} [changed]  `checking` has changed
 * @property {Clock} [clock]
 */

export class Session {
  #client;
  #check;
  #changed;
  #clock;
  #confirmedAt = -Infinity;

  /** @param {SessionOptions} options */
  constructor({ client, check, changed = () => {}, clock = realClock }) {
    this.#client = client;
    this.#check = check;
    this.#changed = changed;
    this.#clock = clock;
    /** The connection was closed because the session ended, and a check is under way. */
    this.checking = false;
    client.on('state', (state) => this.#stateChanged(state));
  }

  /** @param {ConnectionState} state */
  #stateChanged(state) {
    if (this.checking || state.name !== 'stopped' || state.code !== CloseCode.SESSION_ENDED) return;
    // A deactivated account gets no new key.
    if (state.reason === DEACTIVATED) return;
    if (this.#clock.now() - this.#confirmedAt < TRUSTED_AFTER_MS) return;
    this.checking = true;
    void this.#checkSession();
  }

  async #checkSession() {
    const valid = await this.#isValid();
    this.checking = false;
    if (valid) {
      this.#confirmedAt = this.#clock.now();
      this.#client.start();
    }
    this.#changed();
  }

  async #isValid() {
    for (const pause of CHECK_DELAYS_MS) {
      await new Promise((resolve) => this.#clock.setTimeout(() => resolve(undefined), pause));
      try {
        await this.#check();
        return true;
      } catch (error) {
        // Without an answer from the server, the next connection attempt decides.
        if (![401, 403].includes(/** @type {any} */ (error).status)) return true;
      }
    }
    return false;
  }
}
