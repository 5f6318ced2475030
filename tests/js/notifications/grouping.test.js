import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import '../../../chat/static/chat/inbox/kinds.js';
import {
  firstUnread,
  grouped,
  total,
} from '../../../notifications/static/notifications/grouping.js';

/** @param {number} id @param {string} kind @param {object} [rest] @returns {any} */
const row = (id, kind, rest = {}) => ({
  id,
  kind,
  place: 'room.1',
  subject: `room.1.${id}`,
  count: 1,
  read_at: null,
  ...rest,
});

/** @param {any[]} rows */
const shape = (rows) => grouped(rows).map((group) => group.rows.map((one) => one.id));

describe('what belongs together', () => {
  test('messages of one room, in any position', () => {
    assert.deepEqual(
      shape([
        row(9, 'message'),
        row(8, 'mention'),
        row(7, 'message', { place: 'room.2' }),
        row(6, 'message'),
      ]),
      [[9, 6], [8], [7]],
    );
  });

  test('messages of one conversation of two', () =>
    assert.deepEqual(shape([row(2, 'direct'), row(1, 'direct')]), [[2, 1]]));

  test('reactions to one message', () => {
    assert.deepEqual(
      shape([
        row(3, 'reaction', { subject: 'room.1.5' }),
        row(2, 'reaction'),
        row(1, 'reaction', { subject: 'room.1.5' }),
      ]),
      [[3, 1], [2]],
    );
  });

  test('a mention by name is not grouped', () =>
    assert.deepEqual(shape([row(3, 'mention'), row(2, 'mention'), row(1, 'reply')]), [
      [3],
      [2],
      [1],
    ]));

  test('old rows, which do not say where they happened', () =>
    assert.deepEqual(
      shape([row(2, 'message', { place: null }), row(1, 'message', { place: null })]),
      [[2], [1]],
    ));

  test('a kind that nobody knows', () =>
    assert.deepEqual(shape([row(2, 'news'), row(1, 'news')]), [[2], [1]]));
});

describe('a group', () => {
  test('counts what its rows count', () =>
    assert.equal(total([row(2, 'reaction', { count: 4 }), row(1, 'reaction')]), 5));

  test('is entered at the oldest that is unread', () => {
    assert.equal(
      firstUnread([
        row(3, 'message'),
        row(2, 'message'),
        row(1, 'message', { read_at: '2026-11-24T10:00:00Z' }),
      ]).id,
      2,
    );
  });

  test('is entered at the newest where all are read', () => {
    const read = { read_at: '2026-11-24T10:00:00Z' };
    assert.equal(firstUnread([row(3, 'message', read), row(2, 'message', read)]).id, 3);
  });
});
