/**
 * One connection that reconnects: the only file that touches `WebSocket`.
 *
 * It owns connecting, `hello`, commands and their replies, the heartbeat, and reconnecting
 * (docs/protocol.md §2, §3, §7). It passes every other object on in order; streams and positions
 * belong to the caller. A dead network does not close a WebSocket, so without an answer to a `ping`
 * the connection is given up.
 * @module
 */

import { realClock, reportToConsole } from '../lib/clock.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';
import { Backoff } from './backoff.js';
import { CloseCode, reconnects } from './codes.js';
import { Heartbeat } from './heartbeat.js';
import { COMMAND_TIMEOUT_MS, Replies } from './replies.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').ConnectionState} ConnectionState */
/** @typedef {import('../types.js').Hello} Hello */
/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('./replies.js').Answer} Answer */
/** @typedef {Record<string, any> & {type: string}} Incoming */

const SUBPROTOCOL = 'holdfast.v1';
/**
 * From the start of an attempt to `hello`. In a dead network, a handshake takes minutes to fail.
 */
export const CONNECT_TIMEOUT_MS = 10_000;
/** For the answer to the `ping` of a page that became visible: the user waits. */
export const WAKE_TIMEOUT_MS = 3_000;
/** For the server to close after its `bye`. */
export const BYE_TIMEOUT_MS = 5_000;
/** A connection that was open this long resets the backoff. */
export const STABLE_AFTER_MS = 10_000;
/** The longest `retry_after` of a `bye` that is respected. */
export const MAX_SLOT_MS = 300_000;
const DEFAULT_PING_AFTER_MS = 25_000;

/**
 * @typedef {object} SocketHandlers
 * @property {(hello: Hello) => void} hello  the connection is open; commands sent from here go
 *   first
 * @property {(object: Incoming) => void} object  every object except `hello`, `reply` and `bye`,
 *   in order
 * @property {(state: ConnectionState) => void} state
 *
 * @typedef {object} SocketOptions
 * @property {string} url  `/ws/chat/`, or a whole URL
 * @property {SocketHandlers} handlers
 * @property {string} [token]  a bearer token, for pages without a session
 * @property {(url: string, protocols: string[]) => WebSocket} [create]
 * @property {Clock} [clock]
 * @property {Report} [report]
 */

export class Socket {
  #url;
  #protocols;
  #handlers;
  #create;
  #clock;
  #report;
  #backoff;

  /** @type {ConnectionState} */
  #state = { name: 'idle' };
  /** @type {WebSocket | null} */
  #ws = null;
  /** Commands may be sent: after `hello`, before `bye`. */
  #usable = false;
  /** @type {{reason: string, returnAt: number | null} | null} */
  #bye = null;
  #replies;
  #attemptedAt = 0;
  #openedAt = 0;
  /** The deadline of the present state: hello, retry or bye. @type {unknown} */
  #deadline = null;
  #heartbeat;

  /** @param {SocketOptions} options */
  constructor({ url, handlers, token, create, clock = realClock, report = reportToConsole }) {
    this.#url = url;
    this.#protocols = token ? [SUBPROTOCOL, `bearer.${token}`] : [SUBPROTOCOL];
    this.#handlers = handlers;
    this.#create = create ?? ((address, protocols) => new WebSocket(address, protocols));
    this.#clock = clock;
    this.#report = report;
    this.#backoff = new Backoff(clock.random);
    this.#heartbeat = new Heartbeat(
      clock,
      () => this.#ping(),
      () => this.#reconnect(),
    );
    this.#replies = new Replies(
      clock,
      () => this.#usable && this.#heartbeat.check(WAKE_TIMEOUT_MS),
    );
  }

  /** @returns {ConnectionState} */
  get state() {
    return this.#state;
  }

  /**
   * Connect, and stay connected until `stop`. Also after `stopped`, when its reason is gone, for
   * example because the user signed in again.
   */
  start() {
    if (this.#state.name === 'idle' || this.#state.name === 'stopped') this.#connect();
  }

  /** Close and stay closed. Waiting commands fail. */
  stop() {
    this.#disconnect();
    this.#setState({ name: 'idle' });
  }

  /** The page is frozen or left, or the browser is offline: close, and wait for `wake`. */
  sleep() {
    if (this.#state.name === 'idle' || this.#state.name === 'stopped') return;
    this.#disconnect();
    this.#setState({ name: 'offline' });
  }

  /**
   * The page is visible again, or the browser is online: connect at once, or check that the
   * connection is alive.
   */
  wake() {
    const state = this.#state;
    if (this.#usable) this.#heartbeat.check(WAKE_TIMEOUT_MS);
    if (state.name === 'offline') this.#connect();
    // Keep a slot that the server gave, or all clients would return at the same moment.
    if (state.name === 'waiting' && (!state.slot || state.retryAt <= this.#clock.now()))
      this.#connect();
    // An attempt from before the computer slept may hang in a dead network.
    if (state.name === 'connecting' && this.#clock.now() - this.#attemptedAt >= WAKE_TIMEOUT_MS)
      this.retryNow();
  }

  /** Get a new `hello` from the server. */
  renew() {
    this.sleep();
    this.wake();
  }

  /** The user pressed "Try now". */
  retryNow() {
    if (this.#state.name === 'idle' || this.#state.name === 'open') return;
    this.#disconnect();
    this.#connect();
  }

  /**
   * Send a command. Its answer is called before any object that the server sends after it.
   * @param {string} name
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer  called once, maybe before this returns
   */
  ask(name, fields, answer) {
    const ws = this.#ws;
    if (!this.#usable || ws === null)
      return answer.failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
    this.#replies.ask((text) => ws.send(text), name, fields, answer, COMMAND_TIMEOUT_MS);
  }

  #connect() {
    this.#attemptedAt = this.#clock.now();
    this.#setState({ name: 'connecting' });
    try {
      const ws = this.#create(absolute(this.#url), this.#protocols);
      this.#ws = ws;
      ws.onmessage = (message) => this.#receive(ws, message.data);
      ws.onclose = (close) => this.#closed(close.code, close.reason);
    } catch (error) {
      this.#report(error, 'the connection could not be made');
      this.#wait(this.#backoff.next());
      return;
    }
    this.#setDeadline(() => this.#reconnect(), CONNECT_TIMEOUT_MS);
  }

  /**
   * @param {WebSocket} ws
   * @param {unknown} data
   */
  #receive(ws, data) {
    this.#heartbeat.received();
    const objects = parse(data);
    if (objects === null) {
      this.#protocolError('objects of the protocol');
      return;
    }
    for (const object of objects) {
      // A handler of an earlier object closed this connection.
      if (this.#ws !== ws) return;
      this.#handle(object);
    }
  }

  /** @param {Incoming} object */
  #handle(object) {
    if (object.type === 'reply')
      this.#guarded(() => this.#replies.settle(object), 'handling a reply');
    else if (object.type === 'hello') this.#helloReceived(/** @type {any} */ (object));
    else if (object.type === 'bye') this.#byeReceived(object);
    else if (this.#usable)
      this.#guarded(() => this.#handlers.object(object), `handling "${object.type}"`);
  }

  /** @param {Hello} hello */
  #helloReceived(hello) {
    if (this.#usable || this.#bye !== null) return;
    if (!isHello(hello)) return this.#protocolError('hello');
    hello.received = Date.now();
    this.#usable = true;
    this.#openedAt = this.#clock.now();
    this.#setDeadline(null);
    this.#state = { name: 'open' };
    this.#heartbeat.start(hello.ping_after > 0 ? hello.ping_after * 1000 : DEFAULT_PING_AFTER_MS);
    this.#guarded(() => this.#handlers.hello(hello), 'handling "hello"');
    if (this.#state.name === 'open') this.#setState(this.#state);
  }

  /** @param {Incoming} bye */
  #byeReceived(bye) {
    this.#usable = false;
    const seconds =
      typeof bye.retry_after === 'number' && bye.retry_after >= 0 ? bye.retry_after : null;
    const returnAt =
      seconds === null ? null : this.#clock.now() + Math.min(seconds * 1000, MAX_SLOT_MS);
    this.#bye = { reason: typeof bye.reason === 'string' ? bye.reason : '', returnAt };
    this.#heartbeat.stop();
    this.#setDeadline(() => this.#reconnect(), BYE_TIMEOUT_MS);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #closed(code, reason) {
    const bye = this.#bye;
    if (code === CloseCode.TOO_BIG) this.#replies.failLargest();
    if (reconnects(code)) return this.#reconnect();
    this.#disconnect();
    this.#setState({ name: 'stopped', code, reason: reason || bye?.reason || '' });
  }

  /**
   * The other side does not follow the protocol: leave, and reconnect with backoff.
   * @param {string} expected
   */
  #protocolError(expected) {
    this.#report(
      new HoldfastError(LOCAL_CODES.UNREADABLE, `expected ${expected}, got something else`),
      'reading from the connection',
    );
    this.#reconnect();
  }

  /**
   * Leave a connection that ended or does not answer. Try again in the slot that the server gave,
   * or with backoff.
   */
  #reconnect() {
    const returnAt = this.#bye?.returnAt ?? null;
    this.#disconnect();
    if (returnAt !== null) this.#wait(Math.max(0, returnAt - this.#clock.now()), true);
    else this.#wait(this.#nextDelay());
  }

  #nextDelay() {
    if (this.#openedAt > 0 && this.#clock.now() - this.#openedAt >= STABLE_AFTER_MS)
      this.#backoff.reset();
    this.#openedAt = 0;
    return this.#backoff.next();
  }

  /**
   * @param {number} ms
   * @param {boolean} [slot]
   */
  #wait(ms, slot = false) {
    this.#setDeadline(() => this.#connect(), ms);
    this.#setState({ name: 'waiting', retryAt: this.#clock.now() + ms, slot });
  }

  /**
   * Drop the WebSocket without waiting for its close event, which takes minutes in a dead network.
   */
  #disconnect() {
    const ws = this.#ws;
    this.#ws = null;
    this.#usable = false;
    this.#bye = null;
    this.#setDeadline(null);
    this.#heartbeat.stop();
    if (ws !== null) {
      ws.onmessage = null;
      ws.onclose = null;
      ws.close();
    }
    this.#replies.failAll();
  }

  #ping() {
    this.#ws?.send(JSON.stringify({ id: this.#replies.nextId(), command: 'ping' }));
  }

  /**
   * @param {(() => void) | null} callback
   * @param {number} [ms]
   */
  #setDeadline(callback, ms = 0) {
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = callback === null ? null : this.#clock.setTimeout(callback, ms);
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    this.#state = state;
    this.#guarded(() => this.#handlers.state(state), 'handling a new state');
  }

  /**
   * @param {() => void} handler
   * @param {string} where
   */
  #guarded(handler, where) {
    try {
      handler();
    } catch (error) {
      this.#report(error, where);
    }
  }
}

/**
 * @param {unknown} data
 * @returns {Incoming[] | null}  null: not of the protocol
 */
function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const value = JSON.parse(data);
    const objects = Array.isArray(value) ? value : [value];
    return objects.every(
      (object) => typeof object === 'object' && object !== null && typeof object.type === 'string',
    )
      ? objects
      : null;
  } catch {
    return null;
  }
}

/** @param {any} hello */
function isHello(hello) {
  return Number.isSafeInteger(hello.user?.id) && typeof hello.epoch === 'string';
}

/** Browsers before 2024 accept no relative address for a WebSocket. @param {string} url */
function absolute(url) {
  if (!url.startsWith('/')) return url;
  const { protocol, host } = globalThis.location;
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}${url}`;
}
