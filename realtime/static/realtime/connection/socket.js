/**
 * One connection that is kept: the only file that touches `WebSocket`.
 *
 * It owns connecting, `hello`, commands with their replies, the watch over a silent connection, and
 * when to connect again (docs/protocol.md §2, §3, §7). It leaves streams and positions to its user:
 * every other object is handed on in order. A dead network does not close a WebSocket; so whoever
 * hears nothing after a `ping` gives the connection up itself.
 * @module
 */

import { realClock, reportToConsole } from '../lib/clock.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';
import { Backoff } from './backoff.js';
import { CloseCode, reconnects } from './codes.js';
import { Watch } from './heartbeat.js';
import { COMMAND_TIMEOUT_MS, Replies } from './replies.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').ConnectionState} ConnectionState */
/** @typedef {import('../types.js').Hello} Hello */
/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('./replies.js').Answer} Answer */
/** @typedef {Record<string, any> & {type: string}} Incoming */

export const SUBPROTOCOL = 'holdfast.v1';
/**
 * From the start of the attempt to `hello`: a handshake that hangs in a dead network would take
 * minutes to fail by itself.
 */
export const CONNECT_TIMEOUT_MS = 10_000;
/** After the `ping` of a page that woke up: a person is looking at it. */
export const WAKE_TIMEOUT_MS = 3_000;
/** A server that said `bye` and does not close is left after this long. */
export const BYE_PATIENCE_MS = 5_000;
/** A connection that was open this long counts as a success, and the backoff starts anew. */
export const STABLE_AFTER_MS = 10_000;
/** No `bye` keeps a client away for longer, whatever it says. */
export const MAX_SLOT_MS = 300_000;
const DEFAULT_PING_AFTER_MS = 25_000;

/**
 * @typedef {object} SocketHandlers
 * @property {(hello: Hello) => void} hello the connection is open; what is sent from here goes
 *   first
 * @property {(object: Incoming) => void} object every object but `hello`, `reply` and `bye`, in
 *   order
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
  /** Commands may be sent: `hello` has come, `bye` has not. */
  #usable = false;
  /** @type {{reason: string, returnAt: number | null} | null} */
  #bye = null;
  #replies;
  #attemptedAt = 0;
  #openedAt = 0;
  /** The one deadline of the present state: hello, retry or bye. @type {unknown} */
  #deadline = null;
  #watch;

  /** @param {SocketOptions} options */
  constructor({ url, handlers, token, create, clock = realClock, report = reportToConsole }) {
    this.#url = url;
    this.#protocols = token ? [SUBPROTOCOL, `bearer.${token}`] : [SUBPROTOCOL];
    this.#handlers = handlers;
    this.#create = create ?? ((address, protocols) => new WebSocket(address, protocols));
    this.#clock = clock;
    this.#report = report;
    this.#backoff = new Backoff(clock.random);
    this.#watch = new Watch(
      clock,
      () => this.#ping(),
      () => this.#lose(),
    );
    this.#replies = new Replies(clock, () => this.#usable && this.#watch.ask(WAKE_TIMEOUT_MS));
  }

  /** @returns {ConnectionState} */
  get state() {
    return this.#state;
  }

  /**
   * Connect, and stay connected until `stop`. Also after `stopped`, when the reason is gone (signed
   * in again, for example).
   */
  start() {
    if (this.#state.name === 'idle' || this.#state.name === 'stopped') this.#connect();
  }

  /** Close and stay closed. Waiting commands end without a reply. */
  stop() {
    this.#abandon();
    this.#enter({ name: 'idle' });
  }

  /** The page is frozen, leaves, or the browser is offline: close, and wait for `wake`. */
  sleep() {
    if (this.#state.name === 'idle' || this.#state.name === 'stopped') return;
    this.#abandon();
    this.#enter({ name: 'offline' });
  }

  /**
   * The page is looked at again, or the browser is online: connect at once, or make sure that the
   * connection lives.
   */
  wake() {
    const state = this.#state;
    if (this.#usable) this.#watch.ask(WAKE_TIMEOUT_MS);
    if (state.name === 'offline') this.#connect();
    // A slot that the server gave is kept: its restart would meet all its clients at once
    // otherwise.
    if (state.name === 'waiting' && (!state.slot || state.retryAt <= this.#clock.now()))
      this.#connect();
    // An attempt from before the computer slept may hang in a network that is gone.
    if (state.name === 'connecting' && this.#clock.now() - this.#attemptedAt >= WAKE_TIMEOUT_MS)
      this.retryNow();
  }

  /** Ask the server for a new `hello`. */
  renew() {
    this.sleep();
    this.wake();
  }

  /** A person pressed "Try now". */
  retryNow() {
    if (this.#state.name === 'idle' || this.#state.name === 'open') return;
    this.#abandon();
    this.#connect();
  }

  /**
   * Send a command, and hear the reply before anything that the server sent after it.
   * @param {string} name
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer  called once, perhaps at once
   */
  ask(name, fields, answer) {
    const ws = this.#ws;
    if (!this.#usable || ws === null)
      return answer.failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
    this.#replies.ask((text) => ws.send(text), name, fields, answer, COMMAND_TIMEOUT_MS);
  }

  #connect() {
    this.#attemptedAt = this.#clock.now();
    this.#enter({ name: 'connecting' });
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
    this.#setDeadline(() => this.#lose(), CONNECT_TIMEOUT_MS);
  }

  /**
   * @param {WebSocket} ws
   * @param {unknown} data
   */
  #receive(ws, data) {
    this.#watch.heard();
    const objects = parse(data);
    if (objects === null) {
      this.#garbled('objects of the protocol');
      return;
    }
    for (const object of objects) {
      if (this.#ws !== ws) return; // a handler of an earlier object closed this connection
      this.#handle(object);
    }
  }

  /** @param {Incoming} object */
  #handle(object) {
    if (object.type === 'reply')
      this.#guarded(() => this.#replies.settle(object), 'handling a reply');
    else if (object.type === 'hello') this.#greeted(/** @type {any} */ (object));
    else if (object.type === 'bye') this.#farewell(object);
    else if (this.#usable)
      this.#guarded(() => this.#handlers.object(object), `handling "${object.type}"`);
  }

  /** @param {Hello} hello */
  #greeted(hello) {
    if (this.#usable || this.#bye !== null) return;
    if (!isHello(hello)) return this.#garbled('hello');
    this.#usable = true;
    this.#openedAt = this.#clock.now();
    this.#setDeadline(null);
    this.#state = { name: 'open' };
    this.#watch.begin(hello.ping_after > 0 ? hello.ping_after * 1000 : DEFAULT_PING_AFTER_MS);
    this.#guarded(() => this.#handlers.hello(hello), 'handling "hello"');
    if (this.#state.name === 'open') this.#enter(this.#state);
  }

  /** @param {Incoming} bye */
  #farewell(bye) {
    this.#usable = false;
    const seconds =
      typeof bye.retry_after === 'number' && bye.retry_after >= 0 ? bye.retry_after : null;
    const returnAt =
      seconds === null ? null : this.#clock.now() + Math.min(seconds * 1000, MAX_SLOT_MS);
    this.#bye = { reason: typeof bye.reason === 'string' ? bye.reason : '', returnAt };
    this.#watch.end();
    this.#setDeadline(() => this.#lose(), BYE_PATIENCE_MS);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #closed(code, reason) {
    const bye = this.#bye;
    if (code === CloseCode.TOO_BIG) this.#replies.blameLargest();
    if (reconnects(code)) return this.#lose();
    this.#abandon();
    this.#enter({ name: 'stopped', code, reason: reason || bye?.reason || '' });
  }

  /**
   * What speaks here is no server of ours, or a broken one: leave, and come back with backoff.
   * @param {string} expected
   */
  #garbled(expected) {
    this.#report(
      new HoldfastError(LOCAL_CODES.UNREADABLE, `expected ${expected}, got something else`),
      'the connection is garbled',
    );
    this.#lose();
  }

  /**
   * Leave a connection that ended or does not answer, and try again: in the slot that the server
   * gave, or with backoff.
   */
  #lose() {
    const returnAt = this.#bye?.returnAt ?? null;
    this.#abandon();
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
    this.#enter({ name: 'waiting', retryAt: this.#clock.now() + ms, slot });
  }

  /**
   * Let go of the WebSocket, without waiting for the other side: in a dead network its close event
   * comes minutes later.
   */
  #abandon() {
    const ws = this.#ws;
    this.#ws = null;
    this.#usable = false;
    this.#bye = null;
    this.#setDeadline(null);
    this.#watch.end();
    if (ws !== null) {
      ws.onmessage = null;
      ws.onclose = null;
      ws.close();
    }
    this.#replies.lose();
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
  #enter(state) {
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
