import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  Backoff,
} from '../../../realtime/static/realtime/connection/backoff.js';
import { CloseCode, reconnects } from '../../../realtime/static/realtime/connection/codes.js';
import { seeded } from '../support/clock.js';

describe('backoff', () => {
  test('doubles from half a second to twenty seconds', () => {
    const backoff = new Backoff(() => 1);
    const waits = Array.from({ length: 8 }, () => backoff.next());
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  });

  test('spreads clients over the whole interval', () => {
    const random = seeded(1);
    const waits = Array.from({ length: 1000 }, () => new Backoff(random).next());
    assert.ok(Math.min(...waits) < BACKOFF_FIRST_MS * 0.05);
    assert.ok(Math.max(...waits) > BACKOFF_FIRST_MS * 0.95);
  });

  test('stays bounded after a week without network', () => {
    const backoff = new Backoff(() => 1);
    for (let i = 0; i < 50_000; i += 1) backoff.next();
    assert.equal(backoff.next(), BACKOFF_MAX_MS);
  });

  test('starts anew after a success', () => {
    const backoff = new Backoff(() => 1);
    backoff.next();
    backoff.next();
    assert.equal(backoff.failures, 2);
    backoff.reset();
    assert.equal(backoff.next(), BACKOFF_FIRST_MS);
  });
});

describe('close codes', () => {
  test('4500 to 4999 stop the client, all others bring it back', () => {
    const {
      NORMAL,
      TOO_BIG,
      RESTART,
      OVERLOADED,
      UNRESPONSIVE,
      FLOODED,
      HOPELESSLY_SLOW,
      ...stopping
    } = CloseCode;
    for (const code of [
      NORMAL,
      TOO_BIG,
      RESTART,
      OVERLOADED,
      UNRESPONSIVE,
      FLOODED,
      HOPELESSLY_SLOW,
      1006,
      4499,
      5000,
    ])
      assert.ok(reconnects(code));
    for (const code of [...Object.values(stopping), 4999]) assert.ok(!reconnects(code));
  });
});
