import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  MAX_REMEMBERED,
  Rows,
  Unread,
  UnreadRows,
} from '../../../realtime/static/realtime/streams/store.js';
import { seeded } from '../support/clock.js';
import { reports } from '../support/scene.js';

describe('rows', () => {
  test('an older state never replaces a newer one', () => {
    const rows = new Rows();
    assert.ok(rows.put('message', { id: 1, seq: 5, body: 'edited' }));
    assert.ok(!rows.put('message', { id: 1, seq: 4, body: 'first' }));
    assert.ok(!rows.put('message', { id: 1, seq: 5, body: 'again' }));
    assert.equal(rows.get('message', 1)?.body, 'edited');
  });

  test('the seq of the event guards rows that carry none', () => {
    const rows = new Rows();
    rows.apply([{ seq: 8, kind: 'membership', data: { id: 3, role: 'moderator' } }]);
    rows.apply([{ seq: 7, kind: 'membership', data: { id: 3, role: 'member' } }]);
    assert.equal(rows.get('membership', 3)?.role, 'moderator');
  });

  test('kinds do not meet', () => {
    const rows = new Rows();
    rows.put('message', { id: 1, seq: 1 });
    rows.put('membership', { id: 1 }, 2);
    assert.equal(rows.count('message'), 1);
    assert.equal(rows.count('notification'), 0);
    assert.deepEqual(rows.all('membership'), [{ id: 1 }]);
    assert.deepEqual(rows.all('notification'), []);
    rows.clear();
    assert.equal(rows.get('message', 1), undefined);
  });

  test('a change is told with what was there before', () => {
    const { all: problems, report } = reports();
    const rows = new Rows({ report });
    /** @type {any[]} */
    const changes = [];
    rows.on('change', (change) => changes.push(change));
    rows.on('change', () => assert.fail('a bug in the page'));
    rows.put('message', { id: 1, seq: 1, body: 'a' });
    rows.put('message', { id: 1, seq: 2, body: 'b' });
    rows.put('message', { id: 1, seq: 2, body: 'b' });
    assert.deepEqual(
      changes.map(({ previous, row }) => [previous?.body, row.body]),
      [
        [undefined, 'a'],
        ['a', 'b'],
      ],
    );
    assert.equal(problems.length, 2);
  });

  test('are bounded; what changed longest ago goes first', () => {
    const rows = new Rows({ limit: 3 });
    for (const id of [1, 2, 3]) rows.put('message', { id, seq: id });
    rows.put('message', { id: 1, seq: 4 });
    rows.put('message', { id: 5, seq: 5 });
    assert.deepEqual(
      rows.all('message').map(({ id }) => id),
      [3, 1, 5],
    );
  });
});

describe('unread by arithmetic', () => {
  test('is the last number minus the read one, and never below zero', () => {
    const unread = new Unread({ last: 12, read: 10 });
    assert.equal(unread.count, 2);
    unread.saw(13);
    assert.equal(unread.count, 3);
    unread.readTo(20);
    assert.equal(unread.count, 0);
  });

  test('a late state of the room lowers nothing', () => {
    const unread = new Unread({ last: 12, read: 10 });
    unread.saw(9);
    assert.equal(unread.last, 12);
  });

  test('can be marked unread from somewhere', () => {
    const unread = new Unread({ last: 12, read: 12 });
    unread.readTo(4);
    assert.equal(unread.read, 4);
    assert.equal(unread.count, 8);
  });

  test('of a room without messages is zero', () => {
    assert.equal(new Unread().count, 0);
  });
});

/** @param {number} id @param {number} seq @param {string | null} [readAt] */
const notification = (id, seq, readAt = null) => ({ id, seq, read_at: readAt, archived_at: null });

describe('unread row by row', () => {
  test('moves with rows that come, are read and are archived', () => {
    const unread = new UnreadRows();
    unread.counted({ unread: 1, seq: 10, rows: [notification(4, 9)] });
    unread.apply([notification(5, 11)]);
    assert.equal(unread.count, 2);
    unread.apply([notification(4, 12, 'now'), { ...notification(5, 13), archived_at: 'now' }]);
    assert.equal(unread.count, 0);
    assert.ok(unread.exact);
  });

  test('counts nothing twice', () => {
    const unread = new UnreadRows();
    unread.apply([notification(1, 1)]);
    unread.apply([notification(1, 1)]);
    unread.apply([notification(1, 2, 'now')]);
    unread.apply([notification(1, 1)]);
    assert.equal(unread.count, 0);
  });

  test('knows that it does not know: a change of a row that was never loaded', () => {
    const unread = new UnreadRows();
    unread.counted({ unread: 40, seq: 10, rows: [notification(60, 9)] });
    unread.apply([notification(3, 11, 'now')]);
    assert.ok(!unread.exact);
    unread.counted({ unread: 39, seq: 11, rows: [notification(60, 9)] });
    assert.equal(unread.count, 39);
    assert.ok(unread.exact);
  });

  test('changes that came while the server was counting are not lost', () => {
    const unread = new UnreadRows();
    unread.counted({ unread: 0, seq: 10, rows: [] });
    unread.apply([notification(7, 11)]);
    unread.apply([notification(8, 12)]);
    unread.counted({ unread: 1, seq: 11, rows: [notification(7, 11)] });
    assert.equal(unread.count, 2);
    assert.ok(unread.exact);
  });

  test('a count that was made while rows changed is not exact', () => {
    const unread = new UnreadRows();
    unread.counted({ unread: 5, seq: 10, rows: [notification(7, 11)] });
    assert.ok(!unread.exact);
  });

  test('a count from before what is remembered is not exact', () => {
    const unread = new UnreadRows();
    for (let id = 1; id <= MAX_REMEMBERED + 10; id += 1) unread.apply([notification(id, id)]);
    unread.counted({ unread: 3, seq: 5, rows: [] });
    assert.ok(!unread.exact);
  });

  test('agrees with the server whenever it says that it is exact', () => {
    for (let seed = 1; seed <= 200; seed += 1) agree(seed);
  });
});

/**
 * Random notifications come, are read and are archived; now and then the server counts.
 * @param {number} seed
 */
function agree(seed) {
  const random = seeded(seed);
  const below = (/** @type {number} */ n) => Math.floor(random() * n);
  /** @type {Map<number, any>} */
  const server = new Map();
  let head = 0;
  /** @type {any[]} */
  const queue = [];
  const change = (/** @type {number} */ id, /** @type {object} */ news) => {
    head += 1;
    const row = { ...(server.get(id) ?? notification(id, 0)), ...news, seq: head };
    server.set(id, row);
    queue.push(row);
  };
  const count = () => [...server.values()].filter((row) => !row.read_at && !row.archived_at).length;
  const answer = () => ({
    unread: count(),
    seq: head,
    rows: [...server.values()].sort((a, b) => b.id - a.id).slice(0, 5),
  });
  const unread = new UnreadRows();
  /** @type {ReturnType<typeof answer> | null} */
  let onItsWay = null;
  for (let i = 0; i < 200; i += 1) {
    const chance = random();
    if (chance < 0.3) change(server.size + 1, {});
    else if (chance < 0.5 && server.size > 0)
      change(1 + below(server.size), random() < 0.5 ? { read_at: 'now' } : { archived_at: 'now' });
    else if (chance < 0.8) unread.apply(queue.splice(0, 1 + below(2)));
    else if (chance < 0.9) onItsWay = answer();
    else if (onItsWay) {
      unread.counted(onItsWay);
      onItsWay = null;
    }
  }
  unread.apply(queue);
  if (unread.exact) assert.equal(unread.count, count(), `SEED=${seed}`);
  unread.counted(answer());
  assert.ok(unread.exact);
  assert.equal(unread.count, count());
}
