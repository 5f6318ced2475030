/**
 * Alice's page, and the server that it talks to.
 * @module
 */

import { Client } from '../../../realtime/static/realtime/client.js';
import { Socket } from '../../../realtime/static/realtime/connection/socket.js';
import { FakeClock } from './clock.js';
import { FakeServer } from './server.js';

/** @typedef {import('../../../realtime/static/realtime/client.js').ClientOptions} ClientOptions */
/**
 * @typedef {import('../../../realtime/static/realtime/types.js').ConnectionState} ConnectionState
 */
/** @typedef {import('../../../realtime/static/realtime/types.js').StreamEvent} StreamEvent */

/** Problems that nobody awaits are collected; a test that expects none says so. */
export function reports() {
  /** @type {string[]} */
  const all = [];
  const report = (/** @type {unknown} */ error, /** @type {string} */ where) =>
    void all.push(`${where}: ${error}`);
  return { all, report };
}

/** A server, a clock, and a socket that writes down what it hears. */
export function socketScene() {
  const clock = new FakeClock();
  const server = new FakeServer();
  const { all: problems, report } = reports();
  /** @type {ConnectionState[]} */
  const states = [];
  /** @type {Record<string, any>[]} */
  const objects = [];
  /** @type {Record<string, any>[]} */
  const hellos = [];
  const socket = new Socket({
    url: 'ws://fake/ws/chat/',
    handlers: {
      hello: (hello) => hellos.push(hello),
      object: (object) => objects.push(object),
      state: (state) => states.push(state),
    },
    create: server.open,
    clock,
    report,
  });
  /** @type {(name: string, fields?: Record<string, unknown>) => Promise<any>} */
  const command = (name, fields = {}) =>
    new Promise((done, failed) => socket.ask(name, fields, { done, failed }));
  return { clock, server, socket, command, states, objects, hellos, problems };
}

/**
 * A client of the fake server.
 * @param {Partial<ClientOptions>} [options]
 * @param {FakeServer} [server]
 * @param {FakeClock} [clock]
 */
export function clientScene(options = {}, server = new FakeServer(), clock = new FakeClock()) {
  const { all: problems, report } = reports();
  const client = new Client({
    path: '/ws/chat/',
    transport: (handlers) =>
      new Socket({ url: 'ws://fake/ws/chat/', handlers, create: server.open, clock, report }),
    clock,
    report,
    ...options,
  });
  /** @type {ConnectionState[]} */
  const states = [];
  client.on('state', (state) => states.push(state));
  return { clock, server, client, states, problems };
}

/**
 * A page's copy of one stream: what it was given, and the newest state of every row.
 * @param {FakeServer} server
 * @param {string} name
 */
export function copyOf(server, name) {
  /** @type {Map<string, StreamEvent>} */
  const rows = new Map();
  /** @type {number[]} */
  const applied = [];
  /** @type {string[]} */
  const reasons = [];
  let last = 0;
  const copy = {
    rows,
    applied,
    reasons,
    loads: 0,
    /** Events that did not follow what was there before. */
    backwards: 0,
    /** The duration of a load. @type {() => Promise<void>} */
    delay: async () => {},
    apply(/** @type {StreamEvent[]} */ events) {
      for (const { seq, kind, data } of events) {
        if (seq <= last) copy.backwards += 1;
        last = seq;
        applied.push(seq);
        rows.set(`${kind}:${data.id}`, { seq, kind, data });
      }
    },
    async load() {
      copy.loads += 1;
      const snapshot = server.snapshot(name);
      await copy.delay();
      return snapshot;
    },
    replace(/** @type {{seq: number, rows: StreamEvent[]}} */ snapshot) {
      last = snapshot.seq;
      rows.clear();
      for (const row of snapshot.rows) rows.set(`${row.kind}:${row.data.id}`, row);
    },
    closed: (/** @type {string} */ reason) => void reasons.push(reason),
    bodies: () =>
      [...rows.values()].sort((a, b) => a.data.number - b.data.number).map((row) => row.data.body),
  };
  return copy;
}
