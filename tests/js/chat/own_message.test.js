import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Room } from '../../../chat/static/chat/rooms/room.js';

const ME = 7;
const BOB = 8;
const KEY = '5f0c8a52-6a0b-4d6c-9b0d-0f1e2d3c4b5a';

/** @param {object} [what] @returns {any} */
const row = (what = {}) => ({
  id: 1,
  number: 1,
  seq: 1,
  author: { id: ME, username: 'alice', name: 'Alice' },
  key: KEY,
  body: 'A ••• watch',
  created_at: '2026-01-01T00:00:00Z',
  edited_at: null,
  deleted_at: null,
  reply_to: null,
  reactions: {},
  mentions: [],
  ...what,
});

/** @param {object} [what] @returns {any} */
const entry = (what = {}) => ({
  key: KEY,
  state: 'sending',
  fields: { room: 1, body: 'A cheap watch' },
  ...what,
});

/** @param {any[]} messages */
function roomWith(messages) {
  /** @type {any} */
  const context = { me: { id: ME }, people: { learn() {} }, api: {}, client: {} };
  const room = new Room(
    { room: { id: 1, last_number: messages.length }, membership: { read_number: 0 }, seq: 1 },
    context,
  );
  room.history.open(messages);
  return room;
}

describe('a message of mine that is still in the outbox', () => {
  test('has arrived when its key is in the room, whatever became of its text', () => {
    assert.equal(roomWith([row()]).hasMessage(entry()), true);
  });

  test('has not arrived when another message has the same text', () => {
    const other = row({ key: 'another key', body: 'A cheap watch' });
    assert.equal(roomWith([other]).hasMessage(entry()), false);
  });

  test('has not arrived when another person used the same key', () => {
    const bobs = row({ author: { id: BOB, username: 'bob', name: 'Bob' } });
    assert.equal(roomWith([bobs]).hasMessage(entry()), false);
  });

  test('stays visible when it was refused', () => {
    assert.equal(roomWith([row()]).hasMessage(entry({ state: 'failed' })), false);
  });
});
