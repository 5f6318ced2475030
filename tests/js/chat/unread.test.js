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

describe('messages that do not count as unread', () => {
  const own = { author: { id: ME } };

  test('are those that the server names', () => {
    const unread = new UnreadMessages(stateOf({ uncounted: [[7, 8]] }));
    assert.deepEqual([unread.count, unread.firstFrom(7)], [2, 9]);
    unread.readTo(8);
    assert.equal(unread.count, 2);
    unread.readTo(9);
    assert.equal(unread.count, 1);
  });

  test("are the user's own, wherever they were written", () => {
    const unread = new UnreadMessages(stateOf());
    unread.saw(message(11, own), ME);
    assert.deepEqual([unread.count, unread.last], [4, 11]);
    unread.readTo(10);
    assert.deepEqual([unread.count, unread.firstFrom(11)], [0, null]);
  });

  test('are those of people that the user has blocked, whatever they mention', () => {
    const unread = new UnreadMessages(stateOf());
    unread.saw(message(11, { mentions: [ME] }), ME, true);
    assert.deepEqual([unread.count, unread.mentions, unread.last], [4, 1, 11]);
    unread.counted(stateOf());
    assert.equal(unread.count, 4, 'a count of the server knows no newer messages');
    unread.saw(message(11, { mentions: [ME] }), ME);
    assert.deepEqual([unread.count, unread.mentions], [5, 2]);
  });

  test('are deleted ones, and hidden ones until they are shown', () => {
    const unread = new UnreadMessages(stateOf());
    unread.saw(message(7, { deleted_at: '2026-01-01T00:00:00Z' }), ME);
    unread.saw(message(8, { hidden_at: '2026-01-01T00:00:00Z' }), ME);
    assert.deepEqual([unread.count, unread.firstFrom(7)], [2, 9]);
    unread.saw(message(8), ME);
    assert.deepEqual([unread.count, unread.firstFrom(7)], [3, 8]);
  });

  test('are those that are no longer kept', () => {
    const unread = new UnreadMessages(stateOf());
    unread.keepFrom(9);
    assert.deepEqual([unread.count, unread.firstFrom(7)], [2, 9]);
  });

  test('leave a count that a recount finds too, whatever happens', () => {
    let seed = 7;
    const chance = (/** @type {number} */ most) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % most;
    };
    for (let round = 0; round < 200; round += 1) {
      /** @type {any[]} */
      const room = [];
      const unread = new UnreadMessages({
        room: { last_number: 0 },
        membership: { read_number: 0 },
      });
      let read = 0;
      for (let step = 0; step < 30; step += 1) {
        const number =
          chance(3) > 0 || room.length === 0 ? room.length + 1 : 1 + chance(room.length);
        const changed = message(number, {
          author: room[number - 1]?.author ?? { id: chance(2) ? ME : 1 },
          deleted_at: chance(4) ? null : 'now',
          hidden_at: chance(5) ? undefined : 'now',
        });
        room[number - 1] = changed;
        unread.saw(changed, ME);
        if (chance(5) === 0) read = Math.max(read, chance(room.length + 1));
        unread.readTo(read);
        const expected = room.filter(
          (row) => row.number > read && row.author.id !== ME && !row.deleted_at && !row.hidden_at,
        );
        assert.equal(unread.count, expected.length);
        assert.equal(unread.firstFrom(read + 1), expected[0]?.number ?? null);
      }
    }
  });
});
