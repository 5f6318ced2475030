import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { UnreadMessages } from '../../../chat/static/chat/rooms/unread.js';

const ME = 7;

/** @param {object} [what] @returns {any} */
const told = (what = {}) => ({
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
    assert.equal(unread.heard(8, 21), false);
    assert.equal(unread.heard(8, 22), false);
    assert.equal(unread.heard(3, 23), true);
    assert.equal(unread.read, 3);
  });

  test('grows at once when I go back here, and my inbox tells nothing new of it', () => {
    const unread = new UnreadMessages(told());
    unread.goBack(4);
    assert.equal(unread.read, 3);
    assert.equal(unread.heard(3, 21), false);
    assert.equal(unread.wentBack(21), false);
    const other = new UnreadMessages(told());
    other.goBack(9);
    assert.equal(other.read, 6); // that one is unread already
  });

  for (const [when, answered] of /** @type {const} */ ([
    ['before the answer', false],
    ['after the answer', true],
  ])) {
    test(`is what I did last, when my inbox tells ${when} what was before it`, () => {
      const unread = new UnreadMessages(told());
      unread.goBack(4);
      if (answered) assert.equal(unread.wentBack(22), false);
      assert.equal(unread.heard(6, 21), false); // what I had read before
      assert.equal(unread.read, 3);
      unread.readTo(10); // I write
      assert.equal(unread.heard(3, 22), false); // my going back
      if (!answered) assert.equal(unread.wentBack(22), false);
      assert.equal(unread.read, 10);
      assert.equal(unread.heard(9, 23), false);
      assert.equal(unread.read, 10);
      assert.equal(unread.heard(2, 24), true); // elsewhere
    });
  }

  test('is what another device does while my answer is on its way', () => {
    const unread = new UnreadMessages(told());
    unread.goBack(6);
    assert.equal(unread.heard(1, 23), false);
    assert.equal(unread.wentBack(22), true);
    assert.equal(unread.read, 1);
  });

  test('is what my inbox tells, when going back was refused', () => {
    const unread = new UnreadMessages(told());
    unread.goBack(4);
    assert.equal(unread.heard(8, 21), false);
    assert.equal(unread.wentBack(0), false);
    assert.equal(unread.read, 8);
  });
});
