import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { HoldfastError } from '../../../realtime/static/realtime/lib/errors.js';
import { Stream } from '../../../realtime/static/realtime/streams/stream.js';
import { FakeClock, settle } from '../support/clock.js';
import { reports } from '../support/scene.js';

/** @typedef {import('../../../realtime/static/realtime/types.js').Page} Page */
/** @typedef {import('../../../realtime/static/realtime/types.js').StreamEvent} StreamEvent */

/** @param {number} seq @returns {StreamEvent} */
const event = (seq) => ({ seq, kind: 'message', data: { id: seq, seq } });

/**
 * @param {number} from
 * @param {number} to
 * @param {number} head
 * @param {number[]} seqs
 * @returns {Page}
 */
const page = (from, to, head, seqs = []) => ({ from, to, head, events: seqs.map(event) });

/**
 * A stream whose pulls the test answers.
 * @param {{position?: number | null, load?: () => Promise<any>}} [options]
 */
function scene({ position = 10, load } = {}) {
  const clock = new FakeClock();
  const { all: problems, report } = reports();
  /**
   * @type
   *   {{after: number | null, answer: (page: any) => void, refuse: (error: HoldfastError) => void}[]}
   */
  const pulls = [];
  /** @type {number[]} */
  const applied = [];
  /** @type {string[]} */
  const log = [];
  let joins = 0;
  const link = {
    clock,
    report,
    join: () => {
      joins += 1;
    },
    pull: (/** @type {Stream} */ { position: after }, /** @type {any} */ { done, failed }) =>
      void pulls.push({ after, answer: done, refuse: failed }),
  };
  const handlers = {
    apply: (/** @type {StreamEvent[]} */ events) =>
      void applied.push(...events.map(({ seq }) => seq)),
    state: (/** @type {string} */ state) => void log.push(state),
    signal: (/** @type {any} */ { kind }) => void log.push(kind),
    closed: (/** @type {string} */ reason) => void log.push(reason),
    load,
    replace: (/** @type {any} */ { seq }) => void log.push(`snapshot of ${seq}`),
  };
  const stream = new Stream('room.1', handlers, link, position);
  return { clock, problems, pulls, applied, log, stream, joins: () => joins };
}

/** A stream that is level at 10. */
function levelScene() {
  const made = scene();
  made.stream.connected();
  made.stream.subscribed(page(10, 10, 10));
  assert.equal(made.stream.state, 'level');
  return made;
}

describe('the rule for events', () => {
  test('the next one is applied', () => {
    const { stream, applied } = levelScene();
    stream.event(event(11));
    stream.event(event(12));
    assert.deepEqual(applied, [11, 12]);
    assert.equal(stream.position, 12);
  });

  test('an old one is ignored', () => {
    const { stream, applied, pulls } = levelScene();
    stream.event(event(10));
    stream.event(event(3));
    assert.deepEqual(applied, []);
    assert.equal(pulls.length, 0);
  });

  test('one after a hole is not applied, but pulled', async () => {
    const { stream, applied, pulls } = levelScene();
    stream.event(event(12));
    assert.deepEqual(applied, []);
    assert.deepEqual(
      pulls.map(({ after }) => after),
      [10],
    );
    pulls[0].answer(page(10, 12, 12, [11, 12]));
    await settle();
    assert.deepEqual(applied, [11, 12]);
    assert.equal(stream.state, 'level');
  });

  test('before the subscription is answered there is none', () => {
    const { stream, applied } = scene();
    stream.event(event(11));
    assert.deepEqual(applied, []);
  });
});

describe('the rule for pages', () => {
  test('one that begins at or below the position is applied, without what was applied before', () => {
    const { stream, applied } = levelScene();
    stream.event(event(11));
    stream.page(page(9, 14, 14, [11, 13, 14]));
    assert.deepEqual(applied, [11, 13, 14]);
    assert.equal(stream.position, 14);
  });

  test('one that ends below the position moves nothing back', () => {
    const { stream, applied } = levelScene();
    stream.page(page(2, 8, 8, [5]));
    assert.deepEqual(applied, []);
    assert.equal(stream.position, 10);
  });

  test('an empty one moves the position over rows that changed again', () => {
    const { stream } = levelScene();
    stream.page(page(10, 15, 15));
    assert.equal(stream.position, 15);
  });

  test('one that begins above the position is not applied, but pulled', () => {
    const { stream, applied, pulls } = levelScene();
    stream.page(page(12, 14, 14, [13, 14]));
    assert.deepEqual(applied, []);
    assert.deepEqual(
      pulls.map(({ after }) => after),
      [10],
    );
  });

  test('pulls while there is more', async () => {
    const { stream, applied, pulls, log } = scene();
    stream.connected();
    stream.subscribed(page(10, 12, 16, [11, 12]));
    assert.equal(stream.state, 'behind');
    pulls[0].answer(page(12, 14, 16, [13, 14]));
    await settle();
    pulls[1].answer(page(14, 16, 16, [15, 16]));
    await settle();
    assert.deepEqual(
      pulls.map(({ after }) => after),
      [12, 14],
    );
    assert.deepEqual(applied, [11, 12, 13, 14, 15, 16]);
    assert.deepEqual(log, ['behind', 'level']);
  });
});

describe('pulling', () => {
  test('never happens twice at once', () => {
    const { stream, pulls } = levelScene();
    stream.event(event(12));
    stream.event(event(15));
    stream.behind();
    stream.page(page(20, 21, 21, [21]));
    assert.equal(pulls.length, 1);
  });

  test('happens once more when an event overtook the answer', async () => {
    const { stream, pulls } = levelScene();
    stream.event(event(12));
    stream.event(event(14));
    pulls[0].answer(page(10, 12, 12, [11, 12]));
    await settle();
    assert.deepEqual(
      pulls.map(({ after }) => after),
      [10, 12],
    );
    pulls[1].answer(page(12, 14, 14, [13, 14]));
    await settle();
    assert.equal(pulls.length, 2);
  });

  test('starts with the word behind', () => {
    const { stream, pulls, log } = levelScene();
    stream.behind();
    assert.equal(pulls.length, 1);
    assert.deepEqual(log, ['level', 'behind']);
  });

  test('slows down when the answers bring nothing', async () => {
    const { stream, pulls, clock } = levelScene();
    stream.behind();
    for (let answers = 1; answers <= 5; answers += 1) {
      pulls[pulls.length - 1].answer(page(10, 10, 99));
      await settle();
      stream.event(event(50)); // nothing that is pushed makes it faster
      assert.equal(pulls.length, answers);
      await clock.advance(8_000);
      assert.equal(pulls.length, answers + 1);
    }
    pulls[pulls.length - 1].answer(page(10, 99, 99, [99]));
    await settle();
    assert.equal(stream.state, 'level');
  });

  test('is repeated when the answer cannot be read', async () => {
    const { stream, pulls, clock } = levelScene();
    stream.behind();
    pulls[0].answer({ from: 10, to: 'eleven' });
    await clock.advance(500);
    assert.equal(pulls.length, 2);
  });

  test('is repeated after the time that the server named', async () => {
    const { stream, pulls, clock } = levelScene();
    stream.behind();
    pulls[0].refuse(new HoldfastError('unavailable', 'away', { retryAfter: 3 }));
    await clock.advance(2_999);
    assert.equal(pulls.length, 1);
    await clock.advance(1);
    assert.equal(pulls.length, 2);
  });

  test('that is refused for want of a subscription asks for one', async () => {
    const { stream, pulls, joins, clock } = levelScene();
    stream.behind();
    pulls[0].refuse(new HoldfastError('not_subscribed', 'subscribe first'));
    await clock.advance(500);
    assert.equal(joins(), 2);
  });

  test('ends with the connection, and an old answer changes nothing', async () => {
    const { stream, pulls, applied } = levelScene();
    stream.behind();
    stream.disconnected();
    pulls[0].answer(page(10, 12, 12, [11, 12]));
    await settle();
    assert.deepEqual(applied, []);
    assert.equal(stream.state, 'away');
    assert.equal(stream.position, 10);
  });

  test('is stopped by the word that the room is not for us any more', async () => {
    const { stream, pulls, log } = levelScene();
    stream.behind();
    pulls[0].refuse(new HoldfastError('forbidden', 'no'));
    await settle();
    assert.deepEqual(log, ['level', 'behind', 'closed', 'forbidden']);
  });
});

describe('snapshots', () => {
  test('are loaded where there is no position, then the stream is joined after their seq', async () => {
    const { stream, joins, log } = scene({ position: null, load: async () => ({ seq: 42 }) });
    stream.begin();
    await settle();
    assert.equal(stream.position, 42);
    assert.equal(joins(), 1);
    assert.deepEqual(log, ['snapshot of 42', 'away']);
  });

  test('are loaded once, however often they are asked for', async () => {
    let loads = 0;
    const { stream } = scene({ position: null, load: async () => ({ seq: ++loads }) });
    stream.begin();
    stream.connected();
    stream.disconnected();
    stream.connected();
    await settle();
    assert.equal(loads, 1);
  });

  test('are tried again after a failure', async () => {
    let loads = 0;
    const load = async () => {
      loads += 1;
      if (loads < 3) throw new HoldfastError('no_reply', 'offline');
      return { seq: 42 };
    };
    const { stream, clock } = scene({ position: null, load });
    stream.begin();
    await clock.advance(250);
    await clock.advance(500);
    assert.equal(stream.position, 42);
  });

  test('that are refused for good close the stream', async () => {
    const load = async () => Promise.reject(new HoldfastError('not_found', 'no such room'));
    const { stream, log } = scene({ position: null, load });
    stream.begin();
    await settle();
    assert.equal(stream.state, 'closed');
    assert.deepEqual(log, ['closed', 'not_found']);
  });

  test('follow a reset, and the old position is dropped', async () => {
    const { stream, joins } = scene({ load: async () => ({ seq: 77 }) });
    stream.connected();
    stream.refused(new HoldfastError('reset', 'start anew', { data: { head: 77 } }));
    assert.equal(stream.position, null);
    await settle();
    assert.equal(stream.position, 77);
    assert.equal(joins(), 2);
  });

  test('that are refused again and again do not become a storm', async () => {
    let loads = 0;
    const { stream, clock } = scene({ load: async () => ({ seq: ++loads }) });
    stream.connected();
    for (let i = 0; i < 10; i += 1) {
      stream.refused(new HoldfastError('reset', 'start anew'));
      await clock.advance(1_000);
    }
    assert.ok(loads <= 5, `${loads} snapshots in ten seconds`);
  });

  test('of an epoch that is over are not used', async () => {
    /** @type {((snapshot: {seq: number}) => void)[]} */
    const answers = [];
    const { stream, log } = scene({
      position: null,
      load: () => new Promise((resolve) => void answers.push(resolve)),
    });
    stream.begin();
    stream.drop();
    stream.connected();
    answers[0]({ seq: 1_000 });
    await settle();
    assert.equal(stream.position, null);
    answers[1]({ seq: 3 });
    await settle();
    assert.equal(stream.position, 3);
    assert.deepEqual(log, ['snapshot of 3', 'away']);
  });

  test('are not overtaken by an answer to the position that was dropped', async () => {
    const { stream, joins } = scene({ load: async () => ({ seq: 3 }) });
    stream.connected();
    stream.drop();
    stream.subscribed(page(10, 12, 12, [12]));
    assert.equal(stream.position, null);
    stream.connected();
    await settle();
    assert.equal(stream.position, 3);
    assert.equal(joins(), 2);
  });

  test('whose seq is no number are tried again', async () => {
    const { stream, clock } = scene({ position: null, load: async () => undefined });
    stream.begin();
    await settle();
    assert.equal(stream.position, null);
    assert.equal(clock.pending, 1);
  });

  test('without a load, the stream starts at its head', () => {
    const { stream, joins } = scene({ position: null });
    stream.connected();
    assert.equal(joins(), 1);
    stream.subscribed(page(7, 7, 7));
    assert.equal(stream.position, 7);
    assert.equal(stream.state, 'level');
  });
});

describe('the end of a stream', () => {
  test('is reported with its reason, and nothing follows', () => {
    const { stream, applied, log } = levelScene();
    stream.close('removed');
    stream.event(event(11));
    stream.page(page(10, 12, 12, [12]));
    stream.connected();
    stream.disconnected();
    stream.close('again');
    assert.deepEqual(applied, []);
    assert.deepEqual(log, ['level', 'closed', 'removed']);
  });

  test('is silent when the page leaves', () => {
    const { stream, log } = levelScene();
    stream.leave();
    stream.close('removed');
    assert.deepEqual(log, ['level']);
  });
});

describe('bad luck', () => {
  test('a row that cannot be shown does not stop those that follow', () => {
    const clock = new FakeClock();
    const { all: problems, report } = reports();
    let shown = 0;
    const apply = (/** @type {StreamEvent[]} */ [{ seq }]) => {
      if (seq === 11) throw new Error('a bug in the page');
      shown += 1;
    };
    const stream = new Stream('room.1', { apply }, { clock, report, join() {}, pull() {} }, 10);
    stream.subscribed(page(10, 10, 10));
    stream.event(event(11));
    stream.event(event(12));
    assert.equal(stream.position, 12);
    assert.equal(shown, 1);
    assert.equal(problems.length, 1);
  });

  test('an event that is none leads to a pull', () => {
    const { stream, pulls } = levelScene();
    stream.event(/** @type {any} */ ({ seq: 'x' }));
    assert.equal(pulls.length, 1);
  });

  test('an answer to subscribe that is none is asked for again', async () => {
    const { stream, joins, clock } = scene();
    stream.connected();
    stream.subscribed(/** @type {any} */ (undefined));
    await clock.advance(500);
    assert.equal(joins(), 2);
  });

  test('signals reach the page while the stream is followed', () => {
    const { stream, log } = levelScene();
    stream.signal({ stream: 'room.1', kind: 'typing', data: {} });
    stream.disconnected();
    stream.signal({ stream: 'room.1', kind: 'presence', data: {} });
    assert.deepEqual(log, ['level', 'typing', 'away']);
  });
});
