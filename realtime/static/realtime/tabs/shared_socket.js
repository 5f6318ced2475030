/**
 * One connection for all tabs of a browser, where the browser has Web Locks and BroadcastChannel.
 *
 *     const transport = sharedTransport({ path: '/ws/chat/', user: 7 });
 *     const client = new Client({ path: '/ws/chat/', transport });
 *
 * The tab that holds the lock leads: it has the WebSocket. The others follow: they send the same
 * frames through the channel, and their clients do not know the difference. When the leader closes
 * or dies, the browser gives the lock to the next tab; when it is frozen, a follower that gets no
 * answer steals the lock. A change of the leader looks like a lost connection: streams continue
 * from their positions, and the outbox repeats unanswered commands with their keys.
 *
 * The name of the lock and the channel contains the version of the messages between tabs, the
 * endpoint and the user, so tabs with other code or of another user have their own connection.
 * docs/decisions/0009-one-socket-per-browser.md has the reasons and the figures.
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
 * The version of the messages between tabs (leader.js, follower.js). Raise it when they change:
 * during a deploy, tabs with old and new code are open.
 */
const VERSION = 1;

/**
 * @typedef {{signal?: AbortSignal, steal?: boolean}} LockOptions
 * @typedef {(name: string, options: LockOptions, held: () => Promise<void>) => Promise<void>} Request
 * @typedef {{request: Request}} SharedLocks  the part of LockManager that is needed
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
 * Return the `transport` of a `Client`; undefined where tabs cannot share a connection.
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
function nameFor(path, user) {
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
  /** Ends the wait for the shared lock and for this tab's own. */
  #wait = new AbortController();
  /** Releases the shared lock. @type {() => void} */
  #release = () => {};
  /** Releases this tab's own lock. @type {() => void} */
  #releaseTab = () => {};

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

  start() {
    if (this.#role) this.#role.start();
    else if (this.#state.name === 'idle' || this.#state.name === 'stopped') this.#join();
  }

  stop() {
    this.#leave();
    this.#setState({ name: 'idle' });
  }

  /**
   * Leave the other tabs; another one leads. A page in the back/forward cache may hold neither lock
   * nor channel.
   */
  sleep() {
    if (this.#role === null) return;
    const { name } = this.#state;
    this.#leave();
    if (name !== 'stopped') this.#setState({ name: 'offline' });
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
      this.#guarded(() => this.#role?.receive(data), 'handling a message of another tab');
    this.#follow();
    this.#setState({ name: 'connecting' });
  }

  #leave() {
    this.#wait.abort();
    this.#endRole();
    this.#role = null;
    this.#channel?.close();
    this.#channel = null;
  }

  /** End leading or following. */
  #endRole() {
    this.#role?.stop();
    this.#release();
    this.#releaseTab();
    [this.#release, this.#releaseTab] = [() => {}, () => {}];
  }

  /** Follow the leader, and wait for the shared lock. */
  #follow() {
    const follower = this.#follower();
    this.#role = follower;
    this.#requestLock();
    // The leader notices by this tab's own lock when the tab is gone, so the tab joins with the
    // lock held.
    const { signal } = this.#wait;
    const hold = () =>
      /** @type {Promise<void>} */ (
        new Promise((release) => {
          if (this.#role !== follower) return release();
          this.#releaseTab = () => release();
          follower.start();
        })
      );
    this.#locks
      .request(tabLockName(this.#name, follower.id), { signal }, hold)
      .catch((error) => this.#failed(error, signal));
  }

  #follower() {
    return new Follower({
      handlers: this.#roleHandlers(),
      post: (message) => this.#post(message),
      takeOver: () => this.#requestLock({ steal: true }),
      guarded: (handler) => this.#guarded(handler, 'handling a message of the leading tab'),
      clock: this.#clock,
    });
  }

  /**
   * Wait for the lock, or take it from a tab that does not answer.
   * @param {{steal?: boolean}} [options]
   */
  #requestLock({ steal = false } = {}) {
    const before = this.#wait;
    const wait = new AbortController();
    this.#wait = wait;
    before.abort();
    let held = false;
    const lead = () => {
      if (wait.signal.aborted) return Promise.resolve();
      held = true;
      return this.#lead();
    };
    this.#locks
      .request(this.#name, steal ? { steal } : { signal: wait.signal }, lead)
      .catch((error) => {
        if (held && this.#wait === wait && !wait.signal.aborted) this.#lockStolen();
        else this.#failed(error, wait.signal);
      });
  }

  /** @returns {Promise<void>}  fulfilled when the lock is to be released */
  #lead() {
    this.#endRole();
    const leader = new Leader({
      connect: this.#connect,
      handlers: this.#roleHandlers(),
      post: (message) => this.#post(message),
      released: (tab, signal) => this.#tabReleased(tab, signal),
      clock: this.#clock,
    });
    this.#role = leader;
    return new Promise((release) => {
      this.#release = () => release();
      leader.start();
    });
  }

  /** Another tab took the lock: this one was frozen, or seemed to be. */
  #lockStolen() {
    this.#endRole();
    this.#follow();
    this.#setState({ name: 'connecting' });
  }

  /**
   * @param {string} tab
   * @param {AbortSignal} signal
   */
  #tabReleased(tab, signal) {
    return this.#locks
      .request(tabLockName(this.#name, tab), { signal }, async () => {})
      .catch(() => {});
  }

  /**
   * The browser refused a lock that this tab still wants: connect without the others.
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
      state: (state) => this.#setState(state),
    };
  }

  /** @param {Record<string, any>} message */
  #post(message) {
    this.#channel?.postMessage(message);
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

/** @param {string} name @param {string} tab */
function tabLockName(name, tab) {
  return `${name}-tab-${tab}`;
}
