/**
 * The connection of a page: streams that catch up by themselves, signals, commands, the outbox.
 *
 *     import { Client } from './client.js';
 *
 *     const client = new Client({ path: '/ws/notifications/', epoch });
 *     client.subscribe('announcements', {
 *       // Without a position, or with one that is no longer valid.
 *       load: () => api.get('/api/announcements/'),
 *       // The snapshot is the page's copy from now on.
 *       replace: ({ announcements }) => …,
 *       // Rows that changed, each in its whole new state.
 *       apply: (events) => …,
 *     });
 *     client.on('state', (state) => …);
 *     client.start();
 *
 * The client does not use the DOM. The page passes on the events of the browser:
 *
 *     pageshow, online, visibilitychange to visible  ->  client.wake()
 *     pagehide, offline                              ->  client.sleep()
 *     "Try now"                                      ->  client.retryNow()
 *
 * On every connection it subscribes to all its streams with one command, each after its position,
 * and pulls what does not fit into the answer, at most `MAX_PULLS` streams at a time. A hello with
 * another epoch makes all streams drop their positions and load snapshots. The outbox then sends its
 * recently acknowledged posts again.
 * @module
 */

import { Backoff } from './connection/backoff.js';
import { CloseCode } from './connection/codes.js';
import { Socket } from './connection/socket.js';
import { realClock, reportToConsole } from './lib/clock.js';
import { Emitter } from './lib/emitter.js';
import { HoldfastError, LOCAL_CODES } from './lib/errors.js';
import { learnServerTime } from './lib/server_clock.js';
import { Pulls } from './streams/pulls.js';
import { Stream } from './streams/stream.js';

/** @typedef {import('./types.js').Clock} Clock */
/** @typedef {import('./types.js').ConnectionState} ConnectionState */
/** @typedef {import('./types.js').Hello} Hello */
/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Signal} Signal */
/** @typedef {import('./types.js').User} User */
/** @typedef {import('./outbox/outbox.js').Outbox} Outbox */
/** @typedef {import('./connection/replies.js').Answer} Answer */
/** @typedef {import('./connection/socket.js').SocketHandlers} SocketHandlers */
/** @typedef {import('./streams/stream.js').StreamHandlers} StreamHandlers */

/** The server's limit for one connection (docs/protocol.md: `too_many`). */
export const MAX_STREAMS = 1_000;

/**
 * A carrier of the protocol: `Socket`, `SharedSocket`, or anything that behaves like them.
 * @typedef {object} Transport
 * @property {ConnectionState} state
 * @property {() => void} start
 * @property {() => void} stop
 * @property {() => void} sleep
 * @property {() => void} wake
 * @property {() => void} retryNow
 * @property {() => void} renew  ask the server for a new `hello`
 * @property {(name: string, fields: Record<string, unknown>, answer: Answer) => void} ask
 *
 * @typedef {object} ClientOptions
 * @property {string} path  `/ws/chat/` or `/ws/notifications/`
 * @property {string | null} [epoch]  of the snapshots in the page (`Stream-Epoch`)
 * @property {number | null} [user] the id of the user that the page is for; by default, the
 *   outbox's owner, or the user of the first hello
 * @property {Outbox | null} [outbox]  sends while the connection is open
 * @property {string} [token]  a bearer token, for pages without a session
 * @property {(handlers: SocketHandlers) => Transport} [transport]
 * @property {Clock} [clock]
 * @property {Report} [report]
 *
 * @typedef {object} ClientEvents
 * @property {ConnectionState} state
 * @property {Hello} hello
 * @property {Signal} signal
 */

export class Client {
  #transport;
  #outbox;
  #clock;
  #report;
  /** @type {Emitter<ClientEvents>} */
  #emitter;
  /** @type {string | null} */
  #epoch;
  /** @type {User | null} */
  #user = null;
  #expectedUser;
  /** @type {Map<string, Stream>} */
  #streams = new Map();
  /** Streams that the server closed; another history may have them. @type {Map<string, StreamHandlers>} */
  #closed = new Map();
  /** Streams to subscribe with the next command. @type {Set<Stream>} */
  #joining = new Set();
  /** Streams to unsubscribe with the next command. @type {Set<string>} */
  #leaving = new Set();
  #flushing = false;
  #pulls;
  /** For a `subscribe` that was refused. */
  #backoff;
  /** @type {unknown} */
  #retry = null;
  /** The epoch of an HTTP answer that made us ask for a new hello. @type {string | null} */
  #suspectedEpoch = null;
  /**
   * The state of a client that stopped itself; it wins over the transport's.
   * @type {ConnectionState | null}
   */
  #ended = null;

  /** @param {ClientOptions} options */
  constructor({
    path,
    epoch = null,
    user = null,
    outbox = null,
    token,
    transport,
    clock = realClock,
    report = reportToConsole,
  }) {
    this.#epoch = epoch;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#report = report;
    this.#expectedUser = user ?? outbox?.owner ?? null;
    this.#emitter = new Emitter(report);
    this.#backoff = new Backoff(clock.random);
    this.#pulls = new Pulls(
      (name, fields, answer) => this.#transport.ask(name, fields, answer),
      clock,
    );
    /** @type {SocketHandlers} */
    const handlers = {
      hello: (hello) => this.#helloReceived(hello),
      object: (object) => this.#received(object),
      state: (state) => this.#stateChanged(state),
    };
    this.#transport = transport
      ? transport(handlers)
      : new Socket({ url: path, handlers, token, clock, report });
  }

  /** @returns {ConnectionState} */
  get state() {
    return this.#ended ?? this.#transport.state;
  }

  /** The user that the server sent in its hello; null before the first. */
  get user() {
    return this.#user;
  }

  /** The epoch of all positions. */
  get epoch() {
    return this.#epoch;
  }

  /**
   * - `state`: the new state of the connection
   * - `hello`: a connection was opened; `heads` has the heads of the user's own streams
   * - `signal`: of any subscribed stream
   * @template {keyof ClientEvents} Name
   * @param {Name} name
   * @param {(value: ClientEvents[Name]) => void} listener
   * @returns {() => void}  removes the listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  start() {
    this.#ended = null;
    this.#transport.start();
  }

  stop() {
    this.#transport.stop();
  }

  /** The page is visible again, or the browser is online. */
  wake() {
    this.#transport.wake();
  }

  /** The page is frozen or left, or the browser is offline. */
  sleep() {
    this.#transport.sleep();
  }

  /** The user pressed "Try now". */
  retryNow() {
    this.#transport.retryNow();
  }

  /**
   * Follow a stream until `unsubscribe` or until the server closes it. A second subscription to
   * the same name replaces the first.
   * @param {string} name
   * @param {StreamHandlers & {position?: number | null}} handlers `position`: the `seq` of the
   *   snapshot in the page
   * @returns {Stream}
   * @throws {HoldfastError} `too_many`
   */
  subscribe(name, { position = null, ...handlers }) {
    this.#streams.get(name)?.leave();
    if (!this.#streams.has(name) && this.#streams.size >= MAX_STREAMS) {
      throw new HoldfastError(
        LOCAL_CODES.TOO_MANY,
        `At most ${MAX_STREAMS} streams can be followed at once.`,
      );
    }
    /** @type {Stream} */
    const stream = new Stream(name, this.#withCleanup(name, handlers), this.#link(), position);
    this.#streams.set(name, stream);
    this.#closed.delete(name);
    this.#leaving.delete(name);
    if (this.state.name === 'open') stream.connected();
    else stream.begin();
    return stream;
  }

  /** @param {string} name */
  unsubscribe(name) {
    this.#closed.delete(name);
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    stream.leave();
    this.#streams.delete(name);
    this.#joining.delete(stream);
    this.#leaving.add(name);
    this.#flushSoon();
  }

  /** @param {string} name */
  stream(name) {
    return this.#streams.get(name);
  }

  /**
   * Pull this stream before all others: the user looks at it.
   * @param {string | null} name
   */
  prefer(name) {
    this.#pulls.prefer(name);
  }

  /**
   * Send a command now or not at all. Commands that must not be lost go into the outbox.
   * @param {string} name
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}  the reply's `data`; rejects with a HoldfastError
   */
  command(name, fields = {}) {
    return new Promise((done, failed) => this.#transport.ask(name, fields, { done, failed }));
  }

  /**
   * Compare the epoch of an HTTP answer. If it differs, the database may have been restored, and
   * no position is valid. Only a hello decides that, because answers from before and after the
   * restart may mix: ask for one, once for each unknown epoch.
   * @param {string} epoch
   */
  checkEpoch(epoch) {
    this.#epoch ??= epoch;
    if (epoch === this.#epoch || epoch === this.#suspectedEpoch || this.state.name !== 'open')
      return;
    this.#suspectedEpoch = epoch;
    this.#transport.renew();
  }

  /** @param {Hello} hello */
  #helloReceived(hello) {
    if (this.#expectedUser !== null && hello.user.id !== this.#expectedUser) return this.#end();
    learnServerTime(hello.now, hello.received);
    this.#user = hello.user;
    this.#expectedUser = hello.user.id;
    const dropped = this.#epoch !== null && hello.epoch !== this.#epoch;
    this.#epoch = hello.epoch;
    if (dropped) this.#outbox?.repeat();
    for (const stream of this.#streams.values()) {
      if (dropped) stream.drop();
      stream.connected();
    }
    if (dropped) this.#reopen();
    this.#flush();
    this.#emitter.emit('hello', hello);
  }

  /** Follow again what was closed, perhaps by a database that had lost it. */
  #reopen() {
    for (const [name, handlers] of [...this.#closed].slice(0, MAX_STREAMS - this.#streams.size))
      this.subscribe(name, handlers);
  }

  /**
   * Another user signed in, in another tab. This page must not show or send anything for the user
   * that it was made for.
   */
  #end() {
    this.#ended = {
      name: 'stopped',
      code: CloseCode.SESSION_ENDED,
      reason: 'another user signed in',
    };
    this.#transport.stop();
  }

  /** @param {ConnectionState} state */
  #stateChanged(state) {
    if (state.name === 'open')
      this.#outbox?.resume((command, fields) => this.command(command, fields));
    else this.#disconnected();
    this.#emitter.emit('state', this.state);
  }

  #disconnected() {
    this.#outbox?.pause();
    this.#joining.clear();
    this.#leaving.clear();
    this.#pulls.disconnected();
    this.#clock.clearTimeout(this.#retry);
    for (const stream of this.#streams.values()) stream.disconnected();
  }

  /** @param {Record<string, any>} object */
  #received(object) {
    const stream = this.#streams.get(object.stream);
    if (object.type === 'event') stream?.event(/** @type {any} */ (object));
    else if (object.type === 'page') stream?.page(/** @type {any} */ (object));
    else if (object.type === 'behind') stream?.behind();
    else if (object.type === 'closed') stream?.close(String(object.reason));
    else if (object.type === 'signal' && stream) {
      stream.signal(/** @type {any} */ (object));
      this.#emitter.emit('signal', /** @type {any} */ (object));
    }
  }

  /**
   * Put a closed stream aside, so that it is not subscribed again in this epoch.
   * @param {string} name
   * @param {StreamHandlers} handlers
   * @returns {StreamHandlers}
   */
  #withCleanup(name, handlers) {
    const closed = (/** @type {string} */ reason) => {
      this.#streams.delete(name);
      this.#closed.set(name, handlers);
      handlers.closed?.(reason);
    };
    return { ...handlers, closed };
  }

  #link() {
    return {
      pull: (/** @type {Stream} */ stream, /** @type {Answer} */ answer) =>
        this.#pulls.pull(stream, answer),
      join: (/** @type {Stream} */ stream) => this.#join(stream),
      clock: this.#clock,
      report: this.#report,
    };
  }

  /** @param {Stream} stream */
  #join(stream) {
    this.#joining.add(stream);
    this.#flushSoon();
  }

  /** Streams that are ready at the same moment share a command. */
  #flushSoon() {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush() {
    if (this.state.name !== 'open') return;
    if (this.#leaving.size > 0) this.#unsubscribe([...this.#leaving]);
    const joining = [...this.#joining].filter(
      (stream) => this.#streams.get(stream.name) === stream,
    );
    this.#leaving.clear();
    this.#joining.clear();
    if (joining.length > 0) this.#subscribe(joining);
  }

  /** @param {Stream[]} streams */
  #subscribe(streams) {
    const positions = Object.fromEntries(streams.map((stream) => [stream.name, stream.position]));
    this.#transport.ask(
      'subscribe',
      { streams: positions },
      {
        done: (data) => this.#subscribed(streams, data),
        // Without a connection, the next hello subscribes again.
        failed: (error) => this.state.name === 'open' && this.#subscribeLater(streams, error),
      },
    );
  }

  /**
   * @param {Stream[]} streams
   * @param {any} data
   */
  #subscribed(streams, data) {
    this.#backoff.reset();
    // Streams that were replaced or left meanwhile get no answer.
    for (const stream of streams.filter((one) => this.#streams.get(one.name) === one)) {
      const error = data.errors?.[stream.name];
      if (error) stream.refused(HoldfastError.from(error));
      else stream.subscribed(data.pages?.[stream.name]);
    }
  }

  /**
   * Retry all streams together: a thousand streams with a retry each would be a thousand commands.
   * @param {Stream[]} streams
   * @param {HoldfastError} error
   */
  #subscribeLater(streams, error) {
    for (const stream of streams) this.#joining.add(stream);
    this.#clock.clearTimeout(this.#retry);
    this.#retry = this.#clock.setTimeout(
      () => this.#flush(),
      Math.max(this.#backoff.next(), (error.retryAfter ?? 0) * 1000),
    );
  }

  /** @param {string[]} names */
  #unsubscribe(names) {
    // After a refusal, the server sends unused objects until the next connection: harmless.
    this.#transport.ask('unsubscribe', { streams: names }, { done() {}, failed() {} });
  }
}
