import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { QuietTime, quietChoices } from '../../../chat/static/chat/rooms/quiet.js';
import { FakeClock } from '../support/clock.js';

const HOUR_MS = 3_600_000;

function scene() {
  const clock = new FakeClock();
  const ended = { times: 0 };
  const quiet = new QuietTime(() => (ended.times += 1), clock);
  const after = (/** @type {number} */ ms) => new Date(clock.now() + ms).toISOString();
  return { clock, ended, quiet, after };
}

describe('a quiet time', () => {
  test('ends by itself, once', async () => {
    const { clock, ended, quiet, after } = scene();
    const until = after(HOUR_MS);
    quiet.set(until);
    quiet.set(until);
    await clock.advance(HOUR_MS - 1);
    assert.deepEqual([quiet.until, ended.times], [until, 0]);
    await clock.advance(1);
    assert.deepEqual([quiet.until, ended.times, clock.pending], [null, 1, 0]);
  });

  test('may be longer than a timer of the browser', async () => {
    const { clock, ended, quiet, after } = scene();
    quiet.set(after(60 * 24 * HOUR_MS));
    await clock.advance(59 * 24 * HOUR_MS);
    assert.equal(ended.times, 0);
    await clock.advance(24 * HOUR_MS);
    assert.equal(ended.times, 1);
  });

  test('can be ended, and one in the past is none', async () => {
    const { clock, ended, quiet, after } = scene();
    quiet.set(after(HOUR_MS));
    quiet.set(null);
    quiet.set(after(-HOUR_MS));
    await clock.advance(2 * HOUR_MS);
    assert.deepEqual([quiet.until, ended.times, clock.pending], [null, 0, 0]);
  });
});

describe('the choices', () => {
  test('lead to eight in the morning of the next day', () => {
    for (const hour of [0, 7, 9, 23]) {
      const now = new Date(2026, 10, 30, hour, 30).getTime();
      const end = new Date(now + quietChoices(now).tomorrow * 1000);
      assert.deepEqual([end.getDate(), end.getHours(), end.getMinutes()], [1, 8, 0]);
    }
  });
});
