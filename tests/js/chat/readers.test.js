import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Readers } from '../../../chat/static/chat/rooms/readers.js';

const BEFORE = '2026-11-30T10:00:00Z';
const AFTER = '2026-11-30T11:00:00.5Z';

/** @param {number} user @param {number} number @param {string} [joined_at] */
const receipt = (user, number, joined_at = BEFORE) => ({ user, number, joined_at });

/** @param {number | undefined} number */
const message = (number) =>
  /** @type {any} */ ({ number, author: { id: 9 }, created_at: '2026-11-30T10:30:00Z' });

describe('the readers of a message', () => {
  test('are those who have read up to it', () => {
    const readers = new Readers();
    assert.equal(readers.isOn, false);
    readers.replace([receipt(1, 4), receipt(2, 5)]);
    assert.equal(readers.isOn, true);
    assert.deepEqual(readers.of(message(5)), [2]);
    readers.receive([receipt(1, 6), receipt(3, 5)]);
    assert.deepEqual(readers.of(message(5)), [1, 2, 3]);
  });

  test('are fewer when someone marks it as unread', () => {
    const readers = new Readers();
    readers.replace([receipt(1, 5)]);
    readers.receive([receipt(1, 4)]);
    assert.deepEqual(readers.of(message(5)), []);
  });

  test('do not include its author, whose own reading arrives as a signal, too', () => {
    const readers = new Readers();
    readers.replace([receipt(1, 5)]);
    readers.receive([receipt(9, 5)]);
    assert.deepEqual(readers.of(message(5)), [1]);
  });

  test('do not include members who joined after it', () => {
    const readers = new Readers();
    readers.replace([receipt(1, 5, AFTER), receipt(2, 5)]);
    assert.deepEqual(readers.of(message(5)), [2]);
  });

  test('are none of a message that is not sent, and where there are no receipts', () => {
    const readers = new Readers();
    readers.replace([receipt(1, 5)]);
    assert.deepEqual(readers.of(message(undefined)), []);
    readers.replace(null);
    assert.deepEqual([readers.isOn, readers.of(message(1))], [false, []]);
  });
});
