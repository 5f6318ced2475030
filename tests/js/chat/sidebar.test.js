import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { mentionsMe, UnreadMentions } from '../../../chat/static/chat/rooms/mentions.js';
import {
  between,
  flattened,
  neighbour,
  sections,
} from '../../../chat/static/chat/sidebar/room_order.js';

const ME = 7;

/** @param {object} [what] @returns {any} */
const message = (what = {}) => ({ author: { id: 1 }, mentions: [], deleted_at: null, ...what });

/** @param {string} title @param {object} [what] @returns {any} */
const room = (title, what = {}) => ({
  id: title.charCodeAt(0),
  title,
  isDirect: false,
  isFavourite: false,
  favouriteOrder: 0,
  waiting: 0,
  ...what,
});

/** @param {any[]} rooms */
const titles = (rooms) => rooms.map((each) => each.title).join('');

describe('a message is for me', () => {
  test('by name, and with @room', () => {
    assert.equal(mentionsMe(message({ mentions: [3, ME] }), ME), true);
    assert.equal(
      mentionsMe(message({ html: '<p><span class="mention" data-room="">@room</span></p>' }), ME),
      true,
    );
    assert.equal(mentionsMe(message({ mentions: [3] }), ME), false);
  });

  test('but not by my own message, a deleted one, or text that looks like the markup', () => {
    assert.equal(mentionsMe(message({ author: { id: ME }, mentions: [ME] }), ME), false);
    assert.equal(mentionsMe(message({ mentions: [ME], deleted_at: 'now' }), ME), false);
    assert.equal(mentionsMe(message({ html: '<p>&lt;span data-room=""&gt;</p>' }), ME), false);
  });
});

describe('unread mentions', () => {
  test('count above what was read, wherever that moves', () => {
    const mentions = new UnreadMentions([3, 5, 9]);
    assert.deepEqual(
      [0, 3, 5, 9].map((read) => mentions.count(read)),
      [3, 2, 1, 0],
    );
    assert.equal(mentions.count(4), 2);
  });

  test('follow each message in its newest state, once', () => {
    const mentions = new UnreadMentions([3]);
    mentions.saw(4, true);
    mentions.saw(4, true);
    assert.equal(mentions.count(0), 2);
    mentions.saw(3, false); // edited, or deleted
    assert.equal(mentions.count(0), 1);
  });

  test('are bounded, and the newest stay', () => {
    const mentions = new UnreadMentions();
    for (let number = 1; number <= 2000; number += 1) mentions.saw(number, true);
    assert.equal(mentions.count(0), 1000);
    assert.equal(mentions.count(1000), 1000);
  });
});

describe('rooms', () => {
  const rooms = [
    room('c'),
    room('a', { isDirect: true }),
    room('b'),
    room('e', { isFavourite: true, favouriteOrder: 2 }),
    room('d', { isFavourite: true, favouriteOrder: 1, isDirect: true }),
  ];

  test('are in sections, favourites in their own order', () => {
    const found = sections(rooms);
    assert.deepEqual(
      [titles(found.favourites), titles(found.rooms), titles(found.directs)],
      ['de', 'bc', 'a'],
    );
    assert.equal(titles(flattened(rooms)), 'debca');
  });

  test('are gone through round and round', () => {
    const go = (/** @type {string | null} */ from, /** @type {1 | -1} */ step) =>
      neighbour(rooms, from === null ? null : from.charCodeAt(0), step)?.title;
    assert.deepEqual(
      [go('d', 1), go('a', 1), go('d', -1), go(null, 1), go(null, -1)],
      ['e', 'd', 'a', 'd', 'a'],
    );
    assert.equal(neighbour([], 1, 1), null);
    assert.equal(neighbour([rooms[0]], rooms[0].id, 1), null);
  });

  test('in which something waits are found', () => {
    const waiting = rooms.map((each) => (each.title === 'c' ? { ...each, waiting: 2 } : each));
    assert.equal(neighbour(waiting, 'd'.charCodeAt(0), 1, { unread: true })?.title, 'c');
    assert.equal(neighbour(waiting, 'a'.charCodeAt(0), -1, { unread: true })?.title, 'c');
    assert.equal(neighbour(waiting, 'c'.charCodeAt(0), 1, { unread: true }), null);
  });
});

describe('a place between two favourites', () => {
  test('is found until the numbers end', () => {
    assert.deepEqual(
      [between(undefined, undefined), between(undefined, 3), between(3, undefined), between(1, 2)],
      [0, 2, 4, 1.5],
    );
    assert.equal(between(1, 1), null);
    assert.equal(between(1, 1 + Number.EPSILON), null);
  });
});
