/**
 * Shows the state of the connection while it is not open, and announces it to screen readers once:
 * not each second that it counts. Short interruptions are not shown.
 * @module
 */

import { CloseCode, DEACTIVATED } from '../realtime/connection/codes.js';
import { announce, setText, slot } from './lib/dom.js';
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

const FORBIDDEN = 403;
/** Shorter interruptions are not shown. */
const SHOWN_AFTER_MS = 1500;
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
  /** The sentence that was announced for this interruption. */
  #announced = '';

  /**
   * @param {Client} client
   * @param {{checking: boolean}} session
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

  /** Show the state in the present view and in the sidebar. */
  paint() {
    const state = this.#client.state;
    const status = this.#session.checking ? CHECKING_SESSION : statusOf(state, this.#ban);
    document.documentElement.dataset.connection = state.name;
    const short = document.querySelector('[data-connection-words]');
    if (short) short.textContent = status.short;
    const isShort = status.tone === 'warning' && Date.now() - this.#brokenAt < SHOWN_AFTER_MS;
    const isHidden = state.name === 'open' || isShort;
    if (!isHidden) this.#announce(status);
    else if (state.name === 'open' && this.#announced) this.#announceReturn();
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll('.app__main [data-slot="connection"]')
    )) {
      line.hidden = isHidden;
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

  /** @param {Status} status */
  #announce({ tone, words: sentence }) {
    const isTrying = tone === 'warning';
    if (isTrying ? this.#announced : this.#announced === sentence) return;
    this.#announced = isTrying ? words.reconnecting : sentence;
    announce(this.#announced);
  }

  #announceReturn() {
    this.#announced = '';
    announce(words.connectionLive);
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

/** @param {ConnectionState} state @param {string} ban @returns {Status} */
function statusOf(state, ban) {
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
        words: stoppedText(state, ban),
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
function stoppedText({ code, reason }, ban) {
  if (code === CloseCode.SESSION_ENDED && reason === DEACTIVATED) return words.deactivated;
  if (needsSignIn(code)) return words.signedOut;
  if (code === CloseCode.BANNED) return ban || words.siteBanned;
  if (code === CloseCode.TOO_MANY_CONNECTIONS) return words.tooManyConnections;
  return words.stopped(reason);
}
