/**
 * The tab that has the connection, for itself and for the other tabs of the browser.
 *
 * What the server says goes to the other tabs in the order in which it came: what stands in one
 * WebSocket message goes as one message.
 * @module
 */

import { LOCAL_CODES } from '../lib/errors.js';
import { uuid } from '../lib/uuid.js';
import { Seats } from './tab_subscriptions.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').Hello} Hello */
/** @typedef {import('../lib/errors.js').HoldfastError} HoldfastError */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../client.js').Transport} Transport */
/** @typedef {import('../connection/socket.js').SocketHandlers} SocketHandlers */
/** @typedef {Record<string, any>} Fields */

/** The seat of the leader's own page. */
const OWN = 'own';

/**
 * @typedef {object} LeaderOptions
 * @property {(handlers: SocketHandlers) => Transport} connect
 * @property {SocketHandlers} handlers  of the leader's own page
 * @property {(message: Fields) => void} post  to the other tabs
 * @property {(seat: string, signal: AbortSignal) => Promise<void>} vacated fulfilled when the
 *   seat's tab is gone
 * @property {Clock} clock
 */

export class Leader {
  #id = uuid();
  #socket;
  #seats;
  #handlers;
  #post;
  #vacated;
  #clock;
  /** @type {Hello | null} */
  #hello = null;
  #known = new Set([OWN]);
  /** Not posted yet. @type {Fields[]} */
  #items = [];
  #asking = false;
  #reign = new AbortController();

  /** @param {LeaderOptions} options */
  constructor({ connect, handlers, post, vacated, clock }) {
    this.#handlers = handlers;
    this.#post = post;
    this.#vacated = vacated;
    this.#clock = clock;
    this.#seats = new Seats({
      ask: (name, fields, answer) => this.#socket.ask(name, fields, answer),
      tell: (object, except) => {
        this.#put({ object, except });
        if (!except.includes(OWN)) handlers.object(object);
      },
    });
    this.#socket = connect({
      hello: (hello) => this.#greeted(hello),
      object: (object) => this.#seats.heard(object),
      state: (state) => this.#entered(state),
    });
  }

  start() {
    if (this.#socket.state.name === 'idle') this.#post({ kind: 'here', leader: this.#id });
    this.#socket.start();
  }

  /** The reign is over; another tab takes over. */
  stop() {
    this.#flush();
    this.#post({ kind: 'gone', leader: this.#id });
    this.#reign.abort();
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
   */
  ask(name, fields, answer) {
    this.#seats.ask(OWN, name, fields, answer);
  }

  /** Another tab said something. @param {Fields} message */
  hear({ kind, leader, seat, text, until }) {
    if (kind === 'join') return this.#join(seat);
    if (leader !== this.#id || !this.#known.has(seat)) return;
    if (kind === 'frame' && this.#clock.now() <= until) this.#carry(seat, JSON.parse(text));
    if (kind === 'wake') this.#socket.wake();
    if (kind === 'start') this.#socket.start();
    if (kind === 'retry') this.#socket.retryNow();
    if (kind === 'renew') this.#socket.renew();
    if (kind !== 'frame') this.#prove();
  }

  /** @param {string} seat */
  #join(seat) {
    if (!this.#known.has(seat)) {
      this.#known.add(seat);
      void this.#vacated(seat, this.#reign.signal).then(() => this.#leave(seat));
    }
    this.#put({ to: seat, welcome: true });
    if (this.#hello)
      this.#put({
        to: seat,
        hello: { ...this.#hello, heads: this.#seats.raised(this.#hello.heads ?? {}) },
      });
    else this.#put({ to: seat, state: this.#socket.state });
    // Somebody may have signed in again, and opened this tab to see.
    if (this.#socket.state.name === 'stopped') this.#socket.start();
  }

  /** @param {string} seat */
  #leave(seat) {
    if (this.#reign.signal.aborted) return;
    this.#known.delete(seat);
    this.#seats.leave(seat);
  }

  /**
   * @param {string} seat
   * @param {Fields} command
   */
  #carry(seat, { id, command, ...fields }) {
    this.#seats.ask(seat, command, fields, {
      done: (data) => this.#put({ to: seat, reply: { id, ok: true, data } }),
      failed: (error) => this.#put({ to: seat, reply: { id, ok: false, error: plain(error) } }),
    });
  }

  /** Say that the connection lives: after a word of the server, where one is to be had. */
  #prove() {
    if (this.#hello === null) return this.#put({ here: true });
    if (this.#asking) return;
    this.#asking = true;
    this.#socket.ask(
      'ping',
      {},
      { done: () => this.#proved(null), failed: (error) => this.#proved(error) },
    );
  }

  /** @param {HoldfastError | null} error */
  #proved(error) {
    this.#asking = false;
    if (error?.code !== LOCAL_CODES.TIMED_OUT) this.#put({ here: true });
  }

  /** @param {Hello} hello */
  #greeted(hello) {
    this.#seats.cut();
    this.#hello = hello;
    this.#put({ hello });
    this.#handlers.hello(hello);
  }

  /** @param {import('../types.js').ConnectionState} state */
  #entered(state) {
    if (this.#reign.signal.aborted) return; // this tab has left; the others have a new leader
    if (state.name !== 'open') {
      this.#seats.cut();
      this.#hello = null;
      this.#put({ state });
    }
    this.#handlers.state(state);
  }

  /** @param {Fields} item */
  #put(item) {
    if (this.#reign.signal.aborted) return;
    this.#items.push(item);
    if (this.#items.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush() {
    if (this.#items.length > 0)
      this.#post({ kind: 'items', leader: this.#id, items: this.#items.splice(0) });
  }
}

/** An error as it stands in a reply. @param {HoldfastError} error */
function plain({ code, message, retryAfter, data }) {
  return { code, message, ...(retryAfter === null ? {} : { retry_after: retryAfter }), data };
}
