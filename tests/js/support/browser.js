/**
 * A browser with tabs that share one connection: each is opened, closed, crashed, frozen and thawed
 * by a test.
 * @module
 */

import { Client } from '../../../realtime/static/realtime/client.js';
import { Socket } from '../../../realtime/static/realtime/connection/socket.js';
import { SharedSocket } from '../../../realtime/static/realtime/tabs/shared_socket.js';
import { FakeClock } from './clock.js';
import { reports } from './scene.js';
import { FakeServer } from './server.js';
import { FakeChannels, FakeLocks } from './tabs.js';

/** @typedef {import('../../../realtime/static/realtime/client.js').ClientOptions} ClientOptions */
/**
 * @typedef {import('../../../realtime/static/realtime/connection/socket.js').SocketHandlers}
 *   SocketHandlers
 */
/** @typedef {Awaited<ReturnType<FakeBrowser['open']>>} Tab */

const NAME = 'shared';

/** Holds callbacks back while the tab is frozen, and drops them once it is dead. */
class Gate {
  #frozen = false;
  #dead = false;
  /** @type {(() => void)[]} */
  #waiting = [];

  get frozen() {
    return this.#frozen;
  }

  /** @param {() => void} callback */
  pass(callback) {
    if (this.#dead) return;
    if (this.#frozen) this.#waiting.push(callback);
    else callback();
  }

  freeze() {
    this.#frozen = true;
  }

  thaw() {
    this.#frozen = false;
    for (const callback of this.#waiting.splice(0)) queueMicrotask(() => this.pass(callback));
  }

  close() {
    this.#dead = true;
  }
}

export class FakeBrowser {
  locks = new FakeLocks();
  channels = new FakeChannels();
  #problems = reports();

  /**
   * @param {FakeServer} [server]
   * @param {FakeClock} [clock]
   */
  constructor(server = new FakeServer(), clock = new FakeClock()) {
    this.server = server;
    this.clock = clock;
  }

  get problems() {
    return this.#problems.all;
  }

  /** Connections that the server has open. */
  get connections() {
    return this.server.connections.filter(({ open }) => open);
  }

  /** Open a tab. @param {Partial<ClientOptions>} [options] */
  open(options = {}) {
    const gate = new Gate();
    const clock = gatedClock(this.clock, gate);
    const locks = this.locks.tab();
    const { report } = this.#problems;
    /** @type {any[]} */
    const sockets = [];
    const create = (/** @type {string} */ url, /** @type {string[]} */ protocols) => {
      const socket = gatedSocket(this.server.open(url, protocols), gate);
      sockets.push(socket);
      return socket;
    };
    const transport = (/** @type {SocketHandlers} */ handlers) =>
      new SharedSocket({
        name: NAME,
        handlers,
        connect: (own) =>
          new Socket({ url: 'ws://fake/ws/chat/', handlers: own, create, clock, report }),
        locks: gatedLocks(locks, gate),
        open: () => gatedChannel(this.channels.join(), gate),
        clock,
        report,
      });
    const client = new Client({ path: '/ws/chat/', transport, clock, report, ...options });
    const end = () => {
      gate.close();
      locks.die();
      for (const socket of sockets) socket.close();
    };
    return {
      client,
      clock,
      /** This tab has the WebSocket. */
      get leads() {
        return sockets.some(({ open }) => open);
      },
      get frozen() {
        return gate.frozen;
      },
      /** The browser stops the tab without an event. */
      freeze: () => gate.freeze(),
      thaw: () => gate.thaw(),
      /** The tab's process dies. */
      crash: end,
      /** A person closes the tab. */
      close() {
        client.sleep();
        end();
      },
    };
  }
}

/** @param {FakeClock} clock @param {Gate} gate */
function gatedClock(clock, gate) {
  return {
    now: clock.now,
    random: clock.random,
    setTimeout(/** @type {() => void} */ callback, /** @type {number} */ ms) {
      const timer = { cancelled: false, handle: 0 };
      timer.handle = clock.setTimeout(() => gate.pass(() => timer.cancelled || callback()), ms);
      return timer;
    },
    clearTimeout(/** @type {any} */ timer) {
      if (!timer) return;
      timer.cancelled = true;
      clock.clearTimeout(timer.handle);
    },
  };
}

/** @param {any} inner @param {Gate} gate @returns {any} */
function gatedSocket(inner, gate) {
  /** @type {any} */
  const outer = {
    onmessage: null,
    onclose: null,
    open: true,
    send: (/** @type {string} */ text) => inner.send(text),
    close() {
      outer.open = false;
      inner.close();
    },
  };
  inner.onmessage = (/** @type {any} */ message) => gate.pass(() => outer.onmessage?.(message));
  inner.onclose = (/** @type {any} */ close) => {
    outer.open = false;
    gate.pass(() => outer.onclose?.(close));
  };
  return outer;
}

/** @param {any} inner @param {Gate} gate @returns {any} */
function gatedChannel(inner, gate) {
  /** @type {any} */
  const outer = { onmessage: null, postMessage: inner.postMessage, close: inner.close };
  inner.onmessage = (/** @type {any} */ message) => gate.pass(() => outer.onmessage?.(message));
  return outer;
}

/** @param {ReturnType<FakeLocks['tab']>} locks @param {Gate} gate @returns {any} */
function gatedLocks(locks, gate) {
  return {
    request(
      /** @type {string} */ name,
      /** @type {any} */ options,
      /** @type {() => Promise<void>} */ callback,
    ) {
      const begin = () =>
        new Promise((resolve, reject) =>
          queueMicrotask(() => gate.pass(() => void callback().then(resolve, reject))),
        );
      return new Promise((resolve, reject) => {
        locks.request(name, options, /** @type {any} */ (begin)).then(
          (value) => gate.pass(() => resolve(value)),
          (error) => gate.pass(() => reject(error)),
        );
      });
    },
  };
}
