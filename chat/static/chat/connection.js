/**
 * Whether what one sees is the present, in words. Silent while it is, and during the short breaks
 * that nobody needs to know of.
 * @module
 */

import { CloseCode, DEACTIVATED } from '../realtime/connection/codes.js';
import { setText, slot } from './lib/dom.js';
import { words } from './words.js';

/**
 * @typedef {import('../realtime/client.js').Client} Client
 * @typedef {import('../realtime/types.js').ConnectionState} ConnectionState
 * @typedef
 *   {{tone: 'calm' | 'warning' | 'stopped', words: string, short: string, retry: boolean, signIn: boolean}}
 *   Words
 */

const FORBIDDEN = 403;
const PATIENCE_MS = 1500; // a break that is over sooner is not mentioned
const TICK_MS = 1000;

export class Connection {
  #client;
  #session;
  #ask;
  /** Why I am banned, and until when, in the words of the server. */
  #ban = '';
  #brokenAt = Date.now();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  /**
   * @param {Client} client
   * @param {{doubted: boolean}} session
   * @param {() => Promise<unknown>} ask  a cheap request, which is refused to a banned user
   */
  constructor(client, session, ask) {
    this.#client = client;
    this.#session = session;
    this.#ask = ask;
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
    if (state.name === 'stopped' && state.code === CloseCode.BANNED) void this.#explainBan();
  }

  /** The close frame has the reason in English; an answer has it in the reader's language. */
  async #explainBan() {
    try {
      await this.#ask();
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      if (status === FORBIDDEN) this.#ban = message;
    }
    this.paint();
  }

  /** Write the state into the line of the present view and into the sidebar. */
  paint() {
    const state = this.#client.state;
    const said = this.#session.doubted ? DOUBTED : inWords(state, this.#ban);
    document.documentElement.dataset.connection = state.name;
    const short = document.querySelector('[data-connection-words]');
    if (short) short.textContent = said.short;
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll('.app__main [data-slot="connection"]')
    )) {
      line.hidden =
        state.name === 'open' ||
        (said.tone === 'warning' && Date.now() - this.#brokenAt < PATIENCE_MS);
      if (line.hidden) continue;
      line.dataset.tone = said.tone;
      slot(line, 'light').dataset.state = said.tone === 'stopped' ? 'stopped' : 'waiting';
      setText(line, 'connection-words', said.words);
      /** @type {HTMLElement} */ (line.querySelector('[data-do="reconnect"]')).hidden = !said.retry;
      const link = /** @type {HTMLAnchorElement} */ (slot(line, 'connection-link'));
      link.hidden = !said.signIn;
      if (said.signIn)
        link.search = `?${new URLSearchParams({ next: location.pathname + location.search })}`;
    }
  }
}

/** @type {Words} */
const DOUBTED = {
  tone: 'calm',
  words: words.sessionDoubted,
  short: words.connecting,
  retry: false,
  signIn: false,
};

/** @param {ConnectionState} state @param {string} ban @returns {Words} */
function inWords(state, ban) {
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
        words: stopped(state, ban),
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

/** @param {{code: number, reason: string}} state @param {string} ban */
function stopped({ code, reason }, ban) {
  if (code === CloseCode.SESSION_ENDED && reason === DEACTIVATED) return words.deactivated;
  if (needsSignIn(code)) return words.signedOut;
  if (code === CloseCode.BANNED) return ban || words.siteBanned;
  if (code === CloseCode.TOO_MANY_CONNECTIONS) return words.tooManyConnections;
  return words.stopped(reason);
}
