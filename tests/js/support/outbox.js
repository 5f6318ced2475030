/** Browsers, tabs and servers for the tests of the outbox. @module */

import { HoldfastError } from '../../../realtime/static/realtime/lib/errors.js';
import { Outbox } from '../../../realtime/static/realtime/outbox/outbox.js';

import { FakeClock } from './clock.js';
import { FakeIndexedDB } from './indexeddb.js';
import { reports } from './scene.js';
import { FakeChannels, FakeLocks } from './tabs.js';

/** One browser: what its tabs share. */
export function browser() {
  return {
    disk: new FakeIndexedDB(),
    locks: new FakeLocks(),
    channels: new FakeChannels(),
    clock: new FakeClock(),
    ...problemsOf(),
  };
}

function problemsOf() {
  const { all: problems, report } = reports();
  return { problems, report };
}

/**
 * A tab of it.
 * @param {ReturnType<typeof browser>} shared
 * @param {Partial<import('../../../realtime/static/realtime/outbox/outbox.js').OutboxOptions>}
 *   [options]
 */
export async function tab({ disk, locks, channels, clock, report }, options = {}) {
  const outbox = new Outbox({
    owner: 7,
    indexedDB: disk.factory,
    locks,
    channel: channels.join(),
    clock,
    report,
    ...options,
  });
  await outbox.ready;
  return outbox;
}

/** A server's answers, one by one, and what it was sent. */
export function line() {
  /** @type {{room: number, body: string, key: string}[]} */
  const sent = [];
  /** @type {{done: (data?: any) => void, failed: (error: HoldfastError) => void}[]} */
  const waiting = [];
  const send = (/** @type {string} */ _, /** @type {any} */ fields) => {
    sent.push(fields);
    return new Promise((done, failed) => void waiting.push({ done, failed }));
  };
  const bodies = () => sent.map(({ body }) => body);
  return { sent, waiting, send, bodies };
}

/** Everything is accepted at once. @param {{body: string}[]} sent */
export const accepting = (sent) => async (/** @type {string} */ _, /** @type {any} */ fields) =>
  void sent.push(fields);

/** @param {Outbox} outbox @param {string} body @param {number} [room] */
export const write = (outbox, body, room = 1) =>
  outbox.add({ command: 'message.post', orderingKey: `room.${room}`, fields: { room, body } });

/** @param {string} code @param {number | null} [retryAfter] */
export const refusal = (code, retryAfter = null) =>
  new HoldfastError(code, `refused: ${code}`, { retryAfter });

/** @param {Outbox} outbox */
export const shown = (outbox) =>
  outbox.entries.map(({ fields, state }) => `${fields.body} ${state}`);
