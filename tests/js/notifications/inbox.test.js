import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Shelf } from '../../../notifications/static/notifications/inbox_list.js';
import { isQuiet, isWanted, News } from '../../../notifications/static/notifications/news.js';

const NOON = '2026-11-24T12:00:00Z';
const LATER = '2026-11-24T12:00:01Z';

/** @param {number} id @param {object} [rest] @returns {any} */
const row = (id, rest = {}) => ({
  id,
  seq: id,
  kind: 'mention',
  read_at: null,
  archived_at: null,
  count: 1,
  created_at: NOON,
  updated_at: null,
  actor: { id: 7 },
  place: 'room.1',
  ...rest,
});

/** @param {Shelf} shelf */
const shown = (shelf) => shelf.shown.map(({ id }) => id);

describe('a tab of the inbox', () => {
  test('what is read elsewhere leaves the unread', () => {
    const shelf = new Shelf('unread', { notifications: [row(2), row(1)], more: false });
    shelf.put(row(2, { seq: 9, read_at: NOON }));
    assert.deepEqual(shown(shelf), [1]);
    shelf.put(row(2, { seq: 10 }));
    assert.deepEqual(shown(shelf), [2, 1]);
  });

  test('an older state never replaces a newer one', () => {
    const shelf = new Shelf('all', {
      notifications: [row(1, { seq: 9, archived_at: NOON })],
      more: false,
    });
    shelf.put(row(1, { seq: 3 }));
    assert.deepEqual(shown(shelf), []);
  });

  test('what was taken back is on no tab', () => {
    const gone = row(1, { count: 0, read_at: NOON, archived_at: NOON });
    assert.deepEqual(shown(new Shelf('archived', { notifications: [gone], more: false })), []);
  });

  test('what is older than the pages that were loaded waits for its page', () => {
    const shelf = new Shelf('archived', {
      notifications: [row(20, { archived_at: NOON })],
      more: true,
    });
    shelf.put(row(5, { seq: 30, archived_at: NOON, read_at: NOON }));
    assert.deepEqual(shown(shelf), [20]);
    assert.equal(shelf.before, 20);
    shelf.loaded({ notifications: [row(12, { archived_at: NOON })], more: false });
    assert.deepEqual(shown(shelf), [20, 12, 5]);
  });

  test('the newest page again does not forget how far the older ones went', () => {
    const shelf = new Shelf('all', { notifications: [row(20)], more: true });
    shelf.loaded({ notifications: [row(10)], more: true });
    shelf.loaded({ notifications: [row(21), row(20)], more: true });
    assert.deepEqual([shown(shelf), shelf.before], [[21, 20, 10], 10]);
  });
});

describe('news', () => {
  test('a new row is news once', () => {
    const news = new News(NOON);
    assert.deepEqual(
      [
        news.isNews(row(1, { created_at: LATER })),
        news.isNews(row(1, { created_at: LATER, seq: 2 })),
      ],
      [true, false],
    );
  });

  test('two of one moment are two', () => {
    const news = new News(NOON);
    assert.deepEqual(
      [news.isNews(row(1, { created_at: LATER })), news.isNews(row(2, { created_at: LATER }))],
      [true, true],
    );
  });

  test('an old one that is marked as unread is none', () =>
    assert.equal(new News(LATER).isNews(row(1)), false));

  test('a reaction more is, one less is not', () => {
    const news = new News(NOON);
    assert.equal(news.isNews(row(1, { updated_at: LATER, count: 2 })), true);
    assert.equal(news.isNews(row(1, { updated_at: LATER, count: 1 })), false);
    assert.equal(news.isNews(row(1, { updated_at: '2026-11-24T12:00:05Z', count: 2 })), true);
    assert.equal(
      news.isNews(row(1, { updated_at: '2026-11-24T12:00:05Z', count: 0, read_at: LATER })),
      false,
    );
  });
});

describe('what is wanted on the desktop', () => {
  const choices = { desktop_off: ['message'], quiet_from: '22:00', quiet_to: '07:00' };
  const around = { now: new Date(2026, 10, 24, 12), isMuted: () => false, isBlocked: () => false };

  test('kinds that are on, outside quiet hours', () => {
    assert.equal(isWanted(row(1), choices, around), true);
    assert.equal(isWanted(row(1, { kind: 'message' }), choices, around), false);
    assert.equal(isWanted(row(1), choices, { ...around, now: new Date(2026, 10, 24, 23) }), false);
  });

  test('nothing of muted rooms and of people who are blocked', () => {
    assert.equal(
      isWanted(row(1), choices, { ...around, isMuted: (place) => place === 'room.1' }),
      false,
    );
    assert.equal(isWanted(row(1), choices, { ...around, isBlocked: (user) => user === 7 }), false);
  });

  test('quiet hours go over midnight, or not', () => {
    const at = (/** @type {number} */ hour, /** @type {number} */ minute) =>
      new Date(2026, 10, 24, hour, minute);
    const night = { desktop_off: [], quiet_from: '22:00', quiet_to: '07:00' };
    assert.deepEqual(
      [at(21, 59), at(22, 0), at(6, 59), at(7, 0)].map((now) => isQuiet(night, now)),
      [false, true, true, false],
    );
    const lunch = { desktop_off: [], quiet_from: '12:00', quiet_to: '13:00' };
    assert.deepEqual(
      [at(11, 59), at(12, 30), at(13, 0)].map((now) => isQuiet(lunch, now)),
      [false, true, false],
    );
    assert.equal(isQuiet({ desktop_off: [], quiet_from: null, quiet_to: null }, at(23, 0)), false);
  });
});
