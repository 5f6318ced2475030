import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  History,
  MAX_CHANGES_WHILE_LOADING,
  PAGE_ROWS,
} from '../../../realtime/static/realtime/streams/history.js';
import { seeded, settle } from '../support/clock.js';

/**
 * @typedef {import('../../../realtime/static/realtime/streams/history.js').NumberedRow} NumberedRow
 */
/** @typedef {import('../../../realtime/static/realtime/streams/history.js').Wanted} Wanted */

/** A room on a server: rows with numbers and seqs, and the questions of docs/protocol.md §6. */
class Room {
  head = 0;
  /** By number. @type {Map<number, NumberedRow>} */
  rows = new Map();

  /** @param {number} [count] */
  post(count = 1) {
    for (let i = 0; i < count; i += 1) this.#write(this.rows.size + 1, `text ${this.head}`);
    return this.rows.get(this.rows.size);
  }

  /** @param {number} number @param {string} body */
  edit(number, body) {
    return this.#write(number, body);
  }

  /** @param {Wanted} wanted @returns {NumberedRow[]} */
  answer({ before, after, around, limit }) {
    const all = [...this.rows.values()].sort((a, b) => a.number - b.number);
    if (before !== undefined)
      return all
        .filter(({ number }) => number < before)
        .slice(-limit)
        .reverse();
    if (after !== undefined) return all.filter(({ number }) => number > after).slice(0, limit);
    if (around !== undefined)
      return all.filter(({ number }) => number >= around - limit / 2).slice(0, limit);
    return all.slice(-limit);
  }

  /** @param {number} number @param {string} body @returns {NumberedRow} */
  #write(number, body) {
    this.head += 1;
    const row = { id: 1000 + number, number, seq: this.head, body };
    this.rows.set(number, row);
    return row;
  }
}

/** @param {number} posts @param {{limit?: number}} [options] */
function scene(posts, options = {}) {
  const room = new Room();
  room.post(posts);
  /** @type {Wanted[]} */
  const asked = [];
  const history = new History({
    load: async (wanted) => {
      asked.push(wanted);
      return room.answer(wanted);
    },
    ...options,
  });
  history.open(room.answer({ limit: PAGE_ROWS }));
  return { room, history, asked };
}

/** The room's present row of this number. @param {Room} room @param {number} number */
const row = (room, number) => /** @type {NumberedRow} */ (room.rows.get(number));

/** @param {History} history */
const numbers = (history) => history.rows.map(({ number }) => number);

/** @param {number} from @param {number} to */
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('the end of a room', () => {
  test('is shown first, and grows', () => {
    const { room, history } = scene(80);
    assert.deepEqual(numbers(history), range(31, 80));
    history.apply([/** @type {NumberedRow} */ (room.post())]);
    assert.deepEqual(history.range, { first: 31, last: 81 });
    assert.equal(history.newestNumber, 81);
    assert.ok(history.following);
    assert.ok(!history.complete);
  });

  test('of an empty room is empty, and complete', async () => {
    const { room, history } = scene(0);
    assert.deepEqual(history.range, { first: 1, last: 0 });
    assert.ok(history.complete);
    await history.older();
    history.apply([/** @type {NumberedRow} */ (room.post())]);
    assert.deepEqual(numbers(history), [1]);
  });

  test('shows edits, and an older state never replaces a newer one', () => {
    const { room, history } = scene(3);
    const old = row(room, 2);
    history.apply([room.edit(2, 'edited')]);
    history.apply([old]);
    assert.equal(history.get(2)?.body, 'edited');
    assert.equal(history.byId(1002)?.body, 'edited');
    assert.equal(history.byId(5), undefined);
  });

  test('takes rows of a page in the order of their changes', () => {
    const { room, history } = scene(3);
    room.post(3);
    room.edit(4, 'edited later');
    history.apply([row(room, 5)]);
    assert.deepEqual(history.holes, [{ from: 4, to: 4 }]);
    history.apply([row(room, 6), row(room, 4)]);
    assert.deepEqual(numbers(history), range(1, 6));
    assert.deepEqual(history.holes, []);
  });

  test('tells what changed', () => {
    const { room, history } = scene(2, { limit: 3 });
    /** @type {any[]} */
    const changes = [];
    const off = history.on('change', ({ changed, removed, replaced }) =>
      changes.push([changed.map(({ number }) => number), removed, replaced]),
    );
    room.post(2);
    history.apply([row(room, 3)]);
    history.apply([row(room, 3)]);
    history.apply([row(room, 4)]);
    history.open([row(room, 4)]);
    off();
    assert.deepEqual(changes, [
      [[3], [], false],
      [[4], [1], false],
      [[4], [], true],
    ]);
  });
});

describe('older history', () => {
  test('is put in front, until there is no more', async () => {
    const { history, asked } = scene(120);
    await history.older();
    await history.older();
    assert.deepEqual(numbers(history), range(1, 120));
    assert.ok(history.complete);
    await history.older();
    assert.deepEqual(
      asked.map(({ before }) => before),
      [71, 21],
    );
  });

  test('ends where a retention run cut it', async () => {
    const { room, history } = scene(80);
    for (const number of range(1, 30)) room.rows.delete(number);
    await history.older();
    assert.ok(history.complete);
  });

  test('is asked for once at a time', async () => {
    const { history, asked } = scene(200);
    await Promise.all([history.older(), history.older(), history.newer()]);
    assert.equal(asked.length, 1);
  });

  test('that could not be loaded can be asked for again', async () => {
    let fails = true;
    const room = new Room();
    room.post(80);
    const history = new History({
      load: async (wanted) => (fails ? Promise.reject(new Error('offline')) : room.answer(wanted)),
    });
    history.open(room.answer({ limit: PAGE_ROWS }));
    await assert.rejects(history.older(), /offline/);
    assert.ok(!history.loading);
    fails = false;
    await history.older();
    assert.equal(history.range.first, 1);
  });

  test('never brings back a text that was deleted while it was under way', async () => {
    const room = new Room();
    room.post(80);
    /** @type {(rows: NumberedRow[]) => void} */
    let deliver = () => {};
    const load = () =>
      new Promise((resolve) => {
        deliver = resolve;
      });
    const history = new History({ load });
    history.open(room.answer({ limit: PAGE_ROWS }));
    const older = history.older();
    const answer = room.answer({ before: 31, limit: PAGE_ROWS });
    history.apply([room.edit(7, '')]); // the deletion overtakes the answer
    deliver(answer);
    await older;
    assert.equal(history.get(7)?.body, '');
  });

  test('is asked for again when too much changed meanwhile', async () => {
    const room = new Room();
    room.post(3_000);
    /** @type {(rows: NumberedRow[]) => void} */
    let deliver = () => {};
    const load = () =>
      new Promise((resolve) => {
        deliver = resolve;
      });
    const history = new History({ load });
    history.open(room.answer({ limit: PAGE_ROWS }));
    const older = history.older();
    const answer = room.answer({ before: 2_951, limit: PAGE_ROWS });
    for (const number of range(1, MAX_CHANGES_WHILE_LOADING + 1))
      history.apply([room.edit(number, 'all at once')]);
    deliver(answer);
    await assert.rejects(older, { code: 'too_many' });
  });
});

describe('a bounded window', () => {
  test('lets go of the oldest while one reads at the end', () => {
    const { room, history } = scene(10, { limit: 10 });
    room.post(5);
    history.apply(range(11, 15).map((number) => row(room, number)));
    assert.deepEqual(numbers(history), range(6, 15));
    assert.ok(!history.complete);
  });

  test('lets go of the newest while one reads upwards, and leads back', async () => {
    const { room, history } = scene(300, { limit: 100 });
    for (let i = 0; i < 4; i += 1) await history.older();
    assert.deepEqual(history.range, { first: 51, last: 150 });
    assert.ok(!history.following);
    history.apply([/** @type {NumberedRow} */ (room.post())]);
    assert.equal(history.range.last, 150);
    assert.equal(history.newestNumber, 301);
    for (let i = 0; i < 4; i += 1) await history.newer();
    assert.deepEqual(history.range, { first: 202, last: 301 });
    assert.ok(history.following);
    await history.newer();
  });

  test('keeps what the reader looks at, however much arrives', () => {
    const { room, history } = scene(50, { limit: 60 });
    history.setAnchor(5);
    room.post(5_000);
    history.apply(range(51, 5_050).map((number) => row(room, number)));
    assert.ok(history.get(5));
    assert.equal(history.rows.length, 60);
    assert.ok(!history.following);
  });

  test('shows an edit of a row that it had let go of, when the reader comes there', async () => {
    const { room, history } = scene(70, { limit: 50 });
    history.apply([room.edit(3, 'edited')]);
    assert.equal(history.get(3), undefined);
    await history.older();
    assert.equal(history.get(3)?.body, 'edited');
  });
});

describe('jumping', () => {
  test('to a row of long ago shows its surroundings', async () => {
    const { room, history } = scene(500);
    await history.around(100);
    assert.deepEqual(numbers(history), range(75, 124));
    assert.ok(!history.following);
    history.apply([/** @type {NumberedRow} */ (room.post())]);
    assert.deepEqual(history.holes, []);
    await history.newest();
    assert.deepEqual(history.range, { first: 452, last: 501 });
    assert.ok(history.following);
  });

  test('to a row that is here already asks nobody', async () => {
    const { history, asked } = scene(20);
    await history.around(5);
    await history.newest();
    assert.deepEqual(asked, []);
  });

  test('near the end follows it', async () => {
    const { history } = scene(500);
    await history.around(100);
    await history.around(490);
    assert.ok(history.following);
  });

  test('takes the place of what was being loaded', async () => {
    const { history } = scene(500);
    const older = history.older();
    await history.around(100);
    await older;
    assert.deepEqual(numbers(history), range(75, 124));
  });

  test('to the end misses nothing that came while it was under way', async () => {
    const room = new Room();
    room.post(500);
    /** @type {((rows: NumberedRow[]) => void)[]} */
    const deliver = [];
    const history = new History({
      load: () => new Promise((resolve) => void deliver.push(resolve)),
    });
    history.saw(500);
    const around = history.around(100);
    deliver[0](room.answer({ around: 100, limit: PAGE_ROWS }));
    await around;
    const newest = history.newest();
    const answer = room.answer({ limit: PAGE_ROWS });
    history.apply([/** @type {NumberedRow} */ (room.post())]);
    deliver[1](answer);
    await newest;
    assert.equal(history.range.last, 501);
    assert.ok(history.following);
  });
});

describe('holes', () => {
  test('are filled', async () => {
    const { room, history } = scene(3);
    room.post(200);
    history.apply([row(room, 150)]);
    assert.deepEqual(history.holes, [{ from: 4, to: 149 }]);
    while (history.holes.length > 0) await history.fill();
    assert.deepEqual(numbers(history), range(1, 150));
    await history.fill();
  });

  test('that the server has nothing for are left alone', async () => {
    const { room, history, asked } = scene(3);
    room.post(20);
    for (const number of range(4, 22)) room.rows.delete(number);
    history.apply([row(room, 23)]);
    await history.fill();
    assert.deepEqual(history.holes, []);
    assert.equal(asked.length, 1);
  });
});

/**
 * Random readers of a busy room: whatever the order of events and answers, in the end every row
 * shown is the server's, without a hole.
 * @param {number} seed
 */
async function wander(seed) {
  const random = seeded(seed);
  const below = (/** @type {number} */ n) => Math.floor(random() * n);
  const room = new Room();
  room.post(30 + below(100));
  let position = room.head;
  /** @type {(() => void)[]} */
  const answers = [];
  const history = new History({
    limit: 40 + below(80),
    // An answer is made at one moment and arrives at a later one.
    load: (wanted) =>
      new Promise(
        (resolve) =>
          void answers.push(() => {
            const answer = room.answer(wanted);
            answers.push(() => resolve(answer));
          }),
      ),
  });
  history.open(room.answer({ limit: PAGE_ROWS }));
  const step = () => answers.splice(below(answers.length), 1)[0]?.();
  const catchUp = (/** @type {number} */ pageSize) => {
    const rows = [...room.rows.values()]
      .filter(({ seq }) => seq > position)
      .sort((a, b) => a.seq - b.seq)
      .slice(0, pageSize);
    history.apply(rows);
    position = rows.length > 0 ? rows[rows.length - 1].seq : room.head;
  };
  for (let i = 0; i < 300; i += 1) {
    const chance = random();
    if (chance < 0.15) room.post(1 + below(3));
    else if (chance < 0.3) room.edit(1 + below(room.rows.size), `edited ${i}`);
    else if (chance < 0.55) catchUp(1 + below(4));
    else if (chance < 0.8) step();
    else if (chance < 0.86) void history.older();
    else if (chance < 0.92) void history.newer();
    else if (chance < 0.94) void history.around(1 + below(room.rows.size));
    else if (chance < 0.96) void history.newest();
    else history.setAnchor(random() < 0.5 ? null : 1 + below(room.rows.size));
    await settle();
  }
  for (let i = 0; i < 1_000 && (position < room.head || answers.length > 0); i += 1) {
    if (position < room.head) catchUp(5);
    step();
    await settle();
  }
  assert.deepEqual(history.holes, [], 'holes');
  for (const shown of history.rows) assert.deepEqual(shown, room.rows.get(shown.number));
  assert.deepEqual(numbers(history), range(history.range.first, history.range.last));
  if (history.following) assert.equal(history.range.last, room.rows.size, 'the end');
  assert.equal(history.newestNumber, room.rows.size);
}

test('random readers of a busy room see what the server has', async () => {
  const seeds = process.env.SEED
    ? [Number(process.env.SEED)]
    : range(1, Number(process.env.RUNS ?? 150));
  for (const seed of seeds) {
    await wander(seed).catch((error) => {
      error.message = `SEED=${seed}: ${error.message}`;
      throw error;
    });
  }
});

describe('messages that are no longer kept', () => {
  test('leave the window, which is complete from there on', async () => {
    const room = new Room();
    room.post(30);
    const history = new History({ load: async (wanted) => room.answer(wanted) });
    history.open(room.answer({ limit: 20 }));
    /** @type {number[]} */
    const removed = [];
    history.on('change', (change) => removed.push(...change.removed));
    history.keepFrom(15);
    assert.deepEqual(removed, range(11, 14));
    assert.deepEqual(numbers(history), range(15, 30));
    assert.equal(history.complete, true);
    await history.older();
    assert.deepEqual(numbers(history), range(15, 30));
  });

  test('do not come back by a change, and newer ones go on', () => {
    const room = new Room();
    room.post(5);
    const history = new History({ load: async (wanted) => room.answer(wanted) });
    history.open(room.answer({ limit: 20 }));
    history.keepFrom(6);
    assert.deepEqual(numbers(history), []);
    history.apply([/** @type {any} */ (room.edit(3, 'edited')), /** @type {any} */ (room.post())]);
    assert.deepEqual(numbers(history), [6]);
    assert.equal(history.complete, true);
  });
});
