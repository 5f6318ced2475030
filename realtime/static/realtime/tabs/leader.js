/**
 * The tab that has the connection, for itself and for the other tabs of the browser.
 *
 * It passes the server's objects to the other tabs in their order, and those of one WebSocket
 * message as one message.
 * @module
 */

import { LOCAL_CODES } from '../lib/errors.js';
import { uuid } from '../lib/uuid.js';
import { TabSubscriptions } from './tab_subscriptions.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').Hello} Hello */
/** @typedef {import('../lib/errors.js').HoldfastError} HoldfastError */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../client.js').Transport} Transport */
/** @typedef {import('../connection/socket.js').SocketHandlers} SocketHandlers */
/** @typedef {Record<string, any>} Fields */

/** The id of the leader's own page. */
const OWN = 'own';

/**
 * @typedef {object} LeaderOptions
 * @property {(handlers: SocketHandlers) => Transport} connect
 * @property {SocketHandlers} handlers  of the leader's own page
 * @property {(message: Fields) => void} post  to the other tabs
 * @property {(tab: string, signal: AbortSignal) => Promise<void>} released  fulfilled when the tab
 *   is gone
 * @property {Clock} clock
 */

export class Leader {
  #id = uuid();
  #socket;
  #subscriptions;
  #handlers;
  #post;
  #tabReleased;
  #clock;
  /** @type {Hello | null} */
  #hello = null;
  #known = new Set([OWN]);
  /** Items for other tabs, not posted yet. @type {Fields[]} */
  #queued = [];
  #pinging = false;
  #leadership = new AbortController();

  /** @param {LeaderOptions} options */
  constructor({ connect, handlers, post, released, clock }) {
    this.#handlers = handlers;
    this.#post = post;
    this.#tabReleased = released;
    this.#clock = clock;
    this.#subscriptions = new TabSubscriptions({
      ask: (name, fields, answer) => this.#socket.ask(name, fields, answer),
      deliver: (object, except) => {
        this.#queue({ object, except });
        if (!except.includes(OWN)) handlers.object(object);
      },
    });
    this.#socket = connect({
      hello: (hello) => this.#helloReceived(hello),
      object: (object) => this.#subscriptions.received(object),
      state: (state) => this.#stateChanged(state),
    });
  }

  start() {
    if (this.#socket.state.name === 'idle') this.#post({ kind: 'here', leader: this.#id });
    this.#socket.start();
  }

  /** Another tab takes over. */
  stop() {
    this.#flush();
    this.#post({ kind: 'gone', leader: this.#id });
    this.#leadership.abort();
    this.#socket.stop();
  }

  wake() {
    this.#socket.wake();
  }

  renew() {
    this.#socket.renew();
  }

  retryNow() {
    this.#socket.retryNow();
  }

  /**
   * @param {string} name
   * @param {Fields} fields
   * @param {Answer} answer
   * @param {string} [tab]  the tab that sends the command
   */
  ask(name, fields, answer, tab = OWN) {
    if (name === 'subscribe') this.#subscriptions.subscribe(tab, fields.streams, answer);
    else if (name === 'pull') this.#subscriptions.pull(tab, fields.stream, fields.after, answer);
    else if (name === 'unsubscribe') this.#subscriptions.unsubscribe(tab, fields.streams, answer);
    else this.#socket.ask(name, fields, answer);
  }

  /** A message of another tab. @param {Fields} message */
  receive({ kind, leader, tab, text, until }) {
    if (kind === 'join') return this.#join(tab);
    if (leader !== this.#id || !this.#known.has(tab)) return;
    if (kind === 'frame' && this.#clock.now() <= until) this.#forward(tab, JSON.parse(text));
    if (kind === 'wake') this.#socket.wake();
    if (kind === 'start') this.#socket.start();
    if (kind === 'retry') this.#socket.retryNow();
    if (kind === 'renew') this.#socket.renew();
    if (kind !== 'frame') this.#confirmAlive();
  }

  /** @param {string} tab */
  #join(tab) {
    if (!this.#known.has(tab)) {
      this.#known.add(tab);
      void this.#tabReleased(tab, this.#leadership.signal).then(() => this.#leave(tab));
    }
    this.#queue({ to: tab, welcome: true });
    if (this.#hello)
      this.#queue({
        to: tab,
        hello: { ...this.#hello, heads: this.#subscriptions.currentHeads(this.#hello.heads ?? {}) },
      });
    else this.#queue({ to: tab, state: this.#socket.state });
    // The user may have signed in again and opened this tab.
    if (this.#socket.state.name === 'stopped') this.#socket.start();
  }

  /** @param {string} tab */
  #leave(tab) {
    if (this.#leadership.signal.aborted) return;
    this.#known.delete(tab);
    this.#subscriptions.leave(tab);
  }

  /**
   * @param {string} tab
   * @param {Fields} command
   */
  #forward(tab, { id, command, ...fields }) {
    const answer = {
      done: (/** @type {any} */ data) => this.#queue({ to: tab, reply: { id, ok: true, data } }),
      failed: (/** @type {HoldfastError} */ error) =>
        this.#queue({ to: tab, reply: { id, ok: false, error: asWire(error) } }),
    };
    this.ask(command, fields, answer, tab);
  }

  /** Tell the other tabs that the connection is alive, after an answer of the server. */
  #confirmAlive() {
    if (this.#hello === null) return this.#queue({ alive: true });
    if (this.#pinging) return;
    this.#pinging = true;
    this.#socket.ask(
      'ping',
      {},
      { done: () => this.#pinged(null), failed: (error) => this.#pinged(error) },
    );
  }

  /** @param {HoldfastError | null} error */
  #pinged(error) {
    this.#pinging = false;
    if (error?.code !== LOCAL_CODES.TIMED_OUT) this.#queue({ alive: true });
  }

  /** @param {Hello} hello */
  #helloReceived(hello) {
    this.#subscriptions.disconnected();
    this.#hello = hello;
    this.#queue({ hello });
    this.#handlers.hello(hello);
  }

  /** @param {import('../types.js').ConnectionState} state */
  #stateChanged(state) {
    // This tab no longer leads: the others have a new leader.
    if (this.#leadership.signal.aborted) return;
    if (state.name !== 'open') {
      this.#subscriptions.disconnected();
      this.#hello = null;
      this.#queue({ state });
    }
    this.#handlers.state(state);
  }

  /** @param {Fields} item */
  #queue(item) {
    if (this.#leadership.signal.aborted) return;
    this.#queued.push(item);
    if (this.#queued.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush() {
    if (this.#queued.length > 0)
      this.#post({ kind: 'items', leader: this.#id, items: this.#queued.splice(0) });
  }
}

/** An error as in a reply. @param {HoldfastError} error */
function asWire({ code, message, retryAfter, data }) {
  return { code, message, ...(retryAfter === null ? {} : { retry_after: retryAfter }), data };
}
