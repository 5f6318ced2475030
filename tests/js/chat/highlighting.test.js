import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  DEADLINE_MS,
  Highlighting,
  isColourable,
  MAX_CODE,
  MAX_LINE,
  MAX_MISSED,
  MAX_SPANS,
} from '../../../chat/static/chat/code/highlighting.js';
import { FakeClock } from '../support/clock.js';

/** Workers that answer when a test says so. */
function scene() {
  const clock = new FakeClock();
  /** @type {any[]} */
  const workers = [];
  const start = () => {
    const worker = {
      jobs: /** @type {any[]} */ ([]),
      ended: false,
      onmessage: /** @type {any} */ (null),
      onerror: /** @type {any} */ (null),
      postMessage: (/** @type {any} */ job) => worker.jobs.push(job),
      terminate: () => {
        worker.ended = true;
      },
      say: (/** @type {any} */ data) => worker.onmessage({ data }),
    };
    workers.push(worker);
    return worker;
  };
  return { clock, workers, highlighting: new Highlighting(start, clock) };
}

describe('code', () => {
  test('is coloured one block at a time, once the worker has loaded', async () => {
    const { workers, highlighting } = scene();
    const results = [highlighting.colour('a', 'js'), highlighting.colour('b', 'js')];
    assert.equal(workers.length, 1);
    assert.deepEqual(workers[0].jobs, []);
    workers[0].say({ ready: true });
    assert.deepEqual(workers[0].jobs, [{ code: 'a', language: 'js' }]);
    workers[0].say({ html: '<span>a</span>' });
    workers[0].say({ html: null });
    assert.deepEqual(await Promise.all(results), ['<span>a</span>', null]);
    assert.equal(workers[0].jobs.length, 2);
  });

  test('that misses its deadline ends the worker, and others go on in a new one', async () => {
    const { clock, workers, highlighting } = scene();
    const [slow, next] = [highlighting.colour('slow', 'java'), highlighting.colour('b', 'js')];
    workers[0].say({ ready: true });
    await clock.advance(DEADLINE_MS);
    assert.equal(await slow, null);
    assert.equal(workers[0].ended, true);
    workers[1].say({ ready: true });
    workers[1].say({ html: 'b' });
    assert.equal(await next, 'b');
  });

  test('is coloured no more after too many missed deadlines', async () => {
    const { clock, workers, highlighting } = scene();
    const results = Array.from({ length: MAX_MISSED + 5 }, () => highlighting.colour('x', 'java'));
    for (let at = 0; at < MAX_MISSED; at += 1) {
      workers[at].say({ ready: true });
      await clock.advance(DEADLINE_MS);
    }
    assert.ok((await Promise.all(results)).every((html) => html === null));
    assert.equal(await highlighting.colour('x', 'js'), null);
    assert.equal(workers.length, MAX_MISSED);
  });

  test('stays plain where the worker cannot be loaded, until the next block', async () => {
    const { workers, highlighting } = scene();
    const first = highlighting.colour('a', 'js');
    workers[0].onerror({});
    assert.equal(await first, null);
    const second = highlighting.colour('b', 'js');
    workers[1].say({ ready: true });
    workers[1].onerror({});
    assert.equal(await second, null);
  });

  test('of too many characters, long lines or too many colours stays plain', async () => {
    assert.equal(isColourable('x\n'.repeat(MAX_CODE / 2)), true);
    assert.equal(isColourable('x\n'.repeat(MAX_CODE)), false);
    assert.equal(isColourable('a'.repeat(MAX_LINE)), true);
    assert.equal(isColourable(`x\n${'a'.repeat(MAX_LINE + 1)}`), false);
    const { workers, highlighting } = scene();
    assert.equal(await highlighting.colour('a'.repeat(MAX_LINE + 1), 'java'), null);
    assert.equal(workers.length, 0);
    const busy = highlighting.colour('x', 'js');
    workers[0].say({ ready: true });
    workers[0].say({ html: '<span></span>'.repeat(MAX_SPANS + 1) });
    assert.equal(await busy, null);
  });
});
