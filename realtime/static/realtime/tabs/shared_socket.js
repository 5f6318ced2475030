/**
 * One connection for all tabs of a browser, where the browser has Web Locks and BroadcastChannel.
 *
 *     const client = new Client({ path: '/ws/chat/', transport: sharedTransport({ path:
 *     '/ws/chat/', user: 7 }) });
 *
 * The tab that holds the lock leads: it has the WebSocket. The others follow: they speak the same
 * frames through the channel, and none of their clients knows the difference. When the leader
 * closes, leaves or dies, the browser hands the lock to the next; when it is frozen, a follower
 * that waits in vain steals it. A change of the leader looks like a cut connection: streams go on
 * from their positions, and what was under way is repeated by the outbox with its key.
 *
 * The name of lock and channel carries the version of what tabs say to each other, the endpoint and
 * the user: tabs with other code, or of somebody who signed in later, have a connection of their
 * own.
 * @module
 */

import { Socket } from '../connection/socket.js';
import { realClock, reportToConsole } from '../lib/clock.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';
import { Follower } from './follower.js';
import { Leader } from './leader.js';
import { openChannel } from './tabs.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').ConnectionState} ConnectionState */
/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../client.js').Transport} Transport */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../connection/socket.js').SocketHandlers} SocketHandlers */
/** @typedef {import('./tabs.js').Channel} Channel */

/**
 * Of what tabs say to each other (leader.js, follower.js, tab_subscriptions.js). Raise it when that
 * changes: during a deploy both kinds are open.
 */
export const VERSION = 1;

/**
 * @typedef {object} SharedLocks  the part of LockManager that is needed
 * @property
 *   {(name: string, options: {signal?: AbortSignal, steal?: boolean}, callback: () => Promise<void>) => Promise<void>}
 *   request
 *
 * @typedef {object} SharedSocketOptions
 * @property {string} name  of the lock and the channel
 * @property {SocketHandlers} handlers
 * @property {(handlers: SocketHandlers) => Transport} connect  makes the one connection
 * @property {SharedLocks} locks
 * @property {(name: string) => Channel} open  opens the channel
 * @property {Clock} [clock]
 * @property {Report} [report]
 */

/**
 * What `Client` takes as its `transport`; undefined where tabs cannot share, and each has a
 * connection of its own.
 * @param {{path: string, user: number}} options
 * @returns {((handlers: SocketHandlers) => Transport) | undefined}
 */
export function sharedTransport({ path, user }) {
  const locks = /** @type {SharedLocks | undefined} */ (
    /** @type {unknown} */ (globalThis.navigator?.locks)
  );
  if (locks === undefined || typeof BroadcastChannel === 'undefined') return undefined;
  const open = (/** @type {string} */ name) => /** @type {Channel} */ (openChannel(name));
  const connect = (/** @type {SocketHandlers} */ handlers) => new Socket({ url: path, handlers });
  return (handlers) =>
    new SharedSocket({ name: nameFor(path, user), handlers, connect, locks, open });
}

/** @param {string} path @param {number} user */
export function nameFor(path, user) {
  return `holdfast-socket-${VERSION}-${path}-${user}`;
}

export class SharedSocket {
  #name;
  #handlers;
  #connect;
  #locks;
  #open;
  #clock;
  #report;
  /** @type {ConnectionState} */
  #state = { name: 'idle' };
  /** @type {Leader | Follower | null} */
  #role = null;
  /** @type {Channel | null} */
  #channel = null;
  /** Ends the wait for the lock, and for the locks of this tab's seat. */
  #wait = new AbortController();
  /** Gives the lock back. @type {() => void} */
  #release = () => {};
  /** Gives this tab's seat back. @type {() => void} */
  #vacate = () => {};

  /** @param {SharedSocketOptions} options */
  constructor({
    name,
    handlers,
    connect,
    locks,
    open,
    clock = realClock,
    report = reportToConsole,
  }) {
    this.#name = name;
    this.#handlers = handlers;
    this.#connect = connect;
    this.#locks = locks;
    this.#open = open;
    this.#clock = clock;
    this.#report = report;
  }

  /** @returns {ConnectionState} */
  get state() {
    return this.#state;
  }

  /** This tab has the WebSocket. */
  get leads() {
    return this.#role instanceof Leader;
  }

  start() {
    if (this.#role) this.#role.start();
    else if (this.#state.name === 'idle' || this.#state.name === 'stopped') this.#join();
  }

  stop() {
    this.#leave();
    this.#enter({ name: 'idle' });
  }

  /**
   * Leave the others; whoever leads lets the next one lead. A page in the back/forward cache may
   * hold neither lock nor channel.
   */
  sleep() {
    if (this.#role === null) return;
    const { name } = this.#state;
    this.#leave();
    if (name !== 'stopped') this.#enter({ name: 'offline' });
  }

  wake() {
    if (this.#role) this.#role.wake();
    else if (this.#state.name === 'offline') this.#join();
  }

  renew() {
    this.#role?.renew();
  }

  retryNow() {
    if (this.#role) this.#role.retryNow();
    else if (this.#state.name !== 'idle') this.#join();
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer
   */
  ask(name, fields, answer) {
    if (this.#role) this.#role.ask(name, fields, answer);
    else answer.failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
  }

  #join() {
    this.#channel = this.#open(this.#name);
    this.#channel.onmessage = ({ data }) =>
      this.#guarded(() => this.#role?.hear(data), 'handling a message of another tab');
    this.#follow();
    this.#enter({ name: 'connecting' });
  }

  #leave() {
    this.#wait.abort();
    this.#retire();
    this.#role = null;
    this.#channel?.close();
    this.#channel = null;
  }

  /** Put down what this tab was. */
  #retire() {
    this.#role?.stop();
    this.#release();
    this.#vacate();
    [this.#release, this.#vacate] = [() => {}, () => {}];
  }

  /** Take a seat, and wait for the lock. */
  #follow() {
    const follower = this.#follower();
    this.#role = follower;
    this.#compete();
    // The leader sees by the seat's lock when this tab is gone, so it is held before the leader
    // hears of it.
    const { signal } = this.#wait;
    const hold = () =>
      /** @type {Promise<void>} */ (
        new Promise((vacate) => {
          if (this.#role !== follower) return vacate();
          this.#vacate = () => vacate();
          follower.start();
        })
      );
    this.#locks
      .request(seatName(this.#name, follower.seat), { signal }, hold)
      .catch((error) => this.#failed(error, signal));
  }

  #follower() {
    return new Follower({
      handlers: this.#roleHandlers(),
      post: (message) => this.#post(message),
      takeOver: () => this.#compete({ steal: true }),
      guarded: (handler) => this.#guarded(handler, 'handling what the leading tab said'),
      clock: this.#clock,
    });
  }

  /**
   * Wait for the lock, or take it from a tab that does not answer.
   * @param {{steal?: boolean}} [options]
   */
  #compete({ steal = false } = {}) {
    const before = this.#wait;
    const wait = new AbortController();
    this.#wait = wait;
    before.abort();
    let held = false;
    const reign = () => {
      if (wait.signal.aborted) return Promise.resolve();
      held = true;
      return this.#lead();
    };
    this.#locks
      .request(this.#name, steal ? { steal } : { signal: wait.signal }, reign)
      .catch((error) => {
        if (held && this.#wait === wait && !wait.signal.aborted) this.#dethroned();
        else this.#failed(error, wait.signal);
      });
  }

  /** @returns {Promise<void>}  fulfilled when the lock is to be given back */
  #lead() {
    this.#retire();
    const leader = new Leader({
      connect: this.#connect,
      handlers: this.#roleHandlers(),
      post: (message) => this.#post(message),
      vacated: (seat, signal) => this.#vacated(seat, signal),
      clock: this.#clock,
    });
    this.#role = leader;
    return new Promise((release) => {
      this.#release = () => release();
      leader.start();
    });
  }

  /** Another tab took the lock: this one was frozen, or seemed to be. */
  #dethroned() {
    this.#retire();
    this.#follow();
    this.#enter({ name: 'connecting' });
  }

  /**
   * @param {string} seat
   * @param {AbortSignal} signal
   */
  #vacated(seat, signal) {
    return this.#locks
      .request(seatName(this.#name, seat), { signal }, async () => {})
      .catch(() => {});
  }

  /**
   * A lock was refused for another reason than that we do not want it any more: without one, this
   * tab has a connection of its own.
   * @param {unknown} error
   * @param {AbortSignal} signal
   */
  #failed(error, signal) {
    if (signal.aborted) return;
    this.#report(error, 'sharing the connection with other tabs');
    this.#wait.abort();
    void this.#lead();
  }

  /** @returns {SocketHandlers} */
  #roleHandlers() {
    return {
      hello: (hello) => {
        this.#state = { name: 'open' };
        this.#guarded(() => this.#handlers.hello(hello), 'handling "hello"');
      },
      object: (object) =>
        this.#guarded(() => this.#handlers.object(object), `handling "${object.type}"`),
      state: (state) => this.#enter(state),
    };
  }

  /** @param {Record<string, any>} message */
  #post(message) {
    this.#channel?.postMessage(message);
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

/** @param {string} name @param {string} seat */
function seatName(name, seat) {
  return `${name}-seat-${seat}`;
}
