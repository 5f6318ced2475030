import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { UnreadMessages } from '../../chat/static/chat/unread.js';

const ME = 7;

/** @param {object} [what] @returns {any} */
const told = (what = {}) => ({ room: { last_number: 10 }, membership: { read_number: 6 }, mentions: [5, 9], ...what });

/** @param {number} number @param {object} [what] @returns {any} */
const message = (number, what = {}) => ({ number, author: { id: 1 }, mentions: [], deleted_at: null, ...what });

describe('what is unread in a room', () => {
  test('stands above my read number', () => {
    const unread = new UnreadMessages(told());
    assert.deepEqual([unread.count, unread.mentions, unread.read, unread.last], [4, 1, 6, 10]);
    unread.saw(message(11, { mentions: [ME] }), ME);
    assert.deepEqual([unread.count, unread.mentions], [5, 2]);
    unread.readTo(11);
    assert.deepEqual([unread.count, unread.mentions], [0, 0]);
  });

  test('is nothing for who is no member', () => {
    assert.equal(new UnreadMessages(told({ membership: null })).count, 0);
  });

  test('keeps what events told when a page that is older is opened', () => {
    const unread = new UnreadMessages(told());
    unread.exists(12);
    unread.opened(told({ membership: { read_number: 8 } }));
    assert.deepEqual([unread.last, unread.read, unread.mentions], [12, 8, 1]);
  });

  test('grows when my inbox tells of a lower number, and only then have I gone back', () => {
    const unread = new UnreadMessages(told());
    assert.equal(unread.heard(8), false);
    assert.equal(unread.heard(8), false);
    assert.equal(unread.heard(3), true);
  });

  test('grows at once when I go back here, and my inbox tells nothing new of it', () => {
    const unread = new UnreadMessages(told());
    assert.equal(unread.before(4), 3);
    assert.equal(unread.heard(3), false);
    assert.equal(new UnreadMessages(told()).before(9), 6); // that one is unread already
  });
});
