/**
 * Shows the state of the connection while it is not open. Short interruptions are not shown.
 * @module
 */

import { CloseCode, DEACTIVATED } from '../realtime/connection/codes.js';
import { setText, slot } from './lib/dom.js';
import { words } from './words.js';

/**
 * @typedef {import('../realtime/client.js').Client} Client
 * @typedef {import('../realtime/types.js').ConnectionState} ConnectionState
 *
 * @typedef {object} Status
 * @property {'calm' | 'warning' | 'stopped'} tone
 * @property {string} words
 * @property {string} short
 * @property {boolean} retry
 * @property {boolean} signIn
 */

/** Shorter interruptions are not shown. */
const SHOWN_AFTER_MS = 1500;
const TICK_MS = 1000;

export class Connection {
  #client;
  #session;
  #brokenAt = Date.now();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  /**
   * @param {Client} client
   * @param {{checking: boolean}} session
   */
  constructor(client, session) {
    this.#client = client;
    this.#session = session;
    client.on('state', (state) => this.#changed(state));
    this.#changed(client.state);
  }

  /** @param {ConnectionState} state */
  #changed(state) {
    const settled = state.name === 'open' || state.name === 'stopped';
    if (settled) {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    } else if (this.#ticking === undefined) {
      this.#brokenAt = Date.now();
      this.#ticking = setInterval(() => this.paint(), TICK_MS);
    }
    this.paint();
  }

  /** Show the state in the present view and in the sidebar. */
  paint() {
    const state = this.#client.state;
    const status = this.#session.checking ? CHECKING_SESSION : statusOf(state);
    document.documentElement.dataset.connection = state.name;
    const short = document.querySelector('[data-connection-words]');
    if (short) short.textContent = status.short;
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll('.app__main [data-slot="connection"]')
    )) {
      line.hidden =
        state.name === 'open' ||
        (status.tone === 'warning' && Date.now() - this.#brokenAt < SHOWN_AFTER_MS);
      if (line.hidden) continue;
      line.dataset.tone = status.tone;
      slot(line, 'light').dataset.state = status.tone === 'stopped' ? 'stopped' : 'waiting';
      setText(line, 'connection-words', status.words);
      /** @type {HTMLElement} */ (line.querySelector('[data-do="reconnect"]')).hidden =
        !status.retry;
      const link = /** @type {HTMLAnchorElement} */ (slot(line, 'connection-link'));
      link.hidden = !status.signIn;
      if (status.signIn)
        link.search = `?${new URLSearchParams({ next: location.pathname + location.search })}`;
    }
  }
}

/** @type {Status} */
const CHECKING_SESSION = {
  tone: 'calm',
  words: words.sessionDoubted,
  short: words.connecting,
  retry: false,
  signIn: false,
};

/** @param {ConnectionState} state @returns {Status} */
function statusOf(state) {
  switch (state.name) {
    case 'open':
      return { tone: 'calm', words: '', short: words.connectionLive, retry: false, signIn: false };
    case 'offline':
      return {
        tone: 'calm',
        words: words.offline,
        short: words.offlineShort,
        retry: false,
        signIn: false,
      };
    case 'waiting': {
      const seconds = Math.max(1, Math.ceil((state.retryAt - Date.now()) / 1000));
      return {
        tone: 'warning',
        words: state.slot ? words.deploying(seconds) : words.reconnectingIn(seconds),
        short: words.reconnecting,
        retry: true,
        signIn: false,
      };
    }
    case 'stopped':
      return {
        tone: 'stopped',
        words: stoppedText(state),
        short: words.stoppedShort,
        retry: false,
        signIn: needsSignIn(state.code),
      };
    default:
      return {
        tone: 'warning',
        words: words.connecting,
        short: words.connecting,
        retry: false,
        signIn: false,
      };
  }
}

/** @param {number} code */
function needsSignIn(code) {
  return code === CloseCode.NOT_AUTHENTICATED || code === CloseCode.SESSION_ENDED;
}

/** @param {{code: number, reason: string}} state */
function stoppedText({ code, reason }) {
  if (code === CloseCode.SESSION_ENDED && reason === DEACTIVATED) return words.deactivated;
  if (needsSignIn(code)) return words.signedOut;
  if (code === CloseCode.BANNED) return words.siteBanned(reason);
  if (code === CloseCode.TOO_MANY_CONNECTIONS) return words.tooManyConnections;
  return words.stopped(reason);
}
