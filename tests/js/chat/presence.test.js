import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Presence } from '../../../chat/static/chat/people/presence.js';

const ME = 7;

/** @param {{count: number, users: number[] | null}} [answer] */
function scene(answer = { count: 2, users: [1, 2] }) {
  /** @type {string[]} */
  const changes = [];
  const presence = new Presence(
    ME,
    async () => answer,
    (what) => changes.push(what),
  );
  return { presence, changes };
}

/** @param {'typing' | 'presence'} kind @param {object} data @returns {any} */
const signal = (kind, data) => ({ kind, data });

test('joining and leaving is followed once presence is loaded', async () => {
  const { presence, changes } = scene();
  presence.receive(signal('presence', { count: 3, joined: [3] }));
  assert.deepEqual([presence.count, presence.users], [3, null]);
  await presence.load();
  presence.receive(signal('presence', { count: 2, joined: [4], left: [1, 2] }));
  assert.deepEqual([presence.count, [...(presence.users ?? [])]], [2, [4]]);
  assert.deepEqual(changes, ['presence', 'presence', 'presence']);
});

test('of a large room only the count is known', async () => {
  const { presence } = scene({ count: 900, users: null });
  await presence.load();
  assert.deepEqual([presence.count, presence.users], [900, null]);
});

test('others type until their message comes or 6 seconds are over, and I do not', () => {
  const real = Date.now;
  let now = 1_000_000;
  Date.now = () => now;
  const { presence, changes } = scene();
  // The clock of the device is years off: only the arrival counts.
  presence.receive(signal('typing', { user: ME, until: '2001-01-01T00:00:00Z' }));
  presence.receive(signal('typing', { user: 1, until: '2001-01-01T00:00:00Z' }));
  presence.receive(signal('typing', { user: 2, until: '2999-01-01T00:00:00Z' }));
  assert.deepEqual(presence.typing, [1, 2]);
  presence.stoppedTyping(1);
  assert.deepEqual(presence.typing, [2]);
  assert.equal(changes.length, 2);
  now += 6001;
  assert.deepEqual(presence.typing, []);
  Date.now = real;
});
