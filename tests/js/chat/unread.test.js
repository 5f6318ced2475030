import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { UnreadMessages } from '../../../chat/static/chat/rooms/unread.js';

const ME = 7;

/** @param {object} [what] @returns {any} */
const stateOf = (what = {}) => ({
  room: { last_number: 10 },
  membership: { read_number: 6 },
  mentions: [5, 9],
  ...what,
});

/** @param {number} number @param {object} [what] @returns {any} */
const message = (number, what = {}) => ({
  number,
  author: { id: 1 },
  mentions: [],
  deleted_at: null,
  ...what,
});

describe('unread messages of a room', () => {
  test('are those above the read number', () => {
    const unread = new UnreadMessages(stateOf());
    assert.deepEqual([unread.count, unread.mentions, unread.read, unread.last], [4, 1, 6, 10]);
    unread.saw(message(11, { mentions: [ME] }), ME);
    assert.deepEqual([unread.count, unread.mentions], [5, 2]);
    unread.readTo(11);
    assert.deepEqual([unread.count, unread.mentions], [0, 0]);
  });

  test('are never fewer than zero, and an older state of the room lowers nothing', () => {
    const unread = new UnreadMessages(stateOf());
    unread.exists(9);
    assert.equal(unread.last, 10);
    unread.readTo(20);
    assert.equal(unread.count, 0);
  });

  test('do not exist for a user who is not a member', () => {
    assert.equal(new UnreadMessages(stateOf({ membership: null })).count, 0);
  });

  test('keep the state from events when an older page is opened', () => {
    const unread = new UnreadMessages(stateOf());
    unread.exists(12);
    unread.opened(stateOf({ membership: { read_number: 8 } }));
    assert.deepEqual([unread.last, unread.read, unread.mentions], [12, 8, 1]);
  });

  test('grow when the inbox reports a lower number, which alone means marked as unread', () => {
    const unread = new UnreadMessages(stateOf());
    assert.equal(unread.readReported(8, 21), false);
    assert.equal(unread.readReported(8, 22), false);
    assert.equal(unread.readReported(3, 23), true);
    assert.equal(unread.read, 3);
  });

  test('grow at once when marked as unread here, and the report of it changes nothing', () => {
    const unread = new UnreadMessages(stateOf());
    unread.markUnread(4);
    assert.equal(unread.read, 3);
    assert.equal(unread.readReported(3, 21), false);
    assert.equal(unread.markedUnread(21), false);
    const other = new UnreadMessages(stateOf());
    other.markUnread(9);
    assert.equal(other.read, 6); // that one is unread already
  });

  for (const [when, answered] of /** @type {const} */ ([
    ['before the answer', false],
    ['after the answer', true],
  ])) {
    test(`follow the last action when older reports arrive ${when}`, () => {
      const unread = new UnreadMessages(stateOf());
      unread.markUnread(4);
      if (answered) assert.equal(unread.markedUnread(22), false);
      assert.equal(unread.readReported(6, 21), false); // what I had read before
      assert.equal(unread.read, 3);
      unread.readTo(10); // I write
      assert.equal(unread.readReported(3, 22), false); // my going back
      if (!answered) assert.equal(unread.markedUnread(22), false);
      assert.equal(unread.read, 10);
      assert.equal(unread.readReported(9, 23), false);
      assert.equal(unread.read, 10);
      assert.equal(unread.readReported(2, 24), true); // elsewhere
    });
  }

  test('follow another device that marks as unread while the answer is under way', () => {
    const unread = new UnreadMessages(stateOf());
    unread.markUnread(6);
    assert.equal(unread.readReported(1, 23), false);
    assert.equal(unread.markedUnread(22), true);
    assert.equal(unread.read, 1);
  });

  test('follow the inbox when marking as unread is refused', () => {
    const unread = new UnreadMessages(stateOf());
    unread.markUnread(4);
    assert.equal(unread.readReported(8, 21), false);
    assert.equal(unread.markedUnread(0), false);
    assert.equal(unread.read, 8);
  });
});
