import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  BATCH_MS,
  MemberCount,
  MS_PER_MEMBER,
} from '../../../chat/static/chat/rooms/member_count.js';
import { FakeClock, settle } from '../support/clock.js';

/** A count, and a server with a number that a test sets. */
function scene(members = 2) {
  const clock = new FakeClock();
  const server = { members, asked: 0, away: false };
  /** @type {number[]} */
  const told = [];
  const ask = async () => {
    server.asked += 1;
    if (server.away) throw new Error('offline');
    return server.members;
  };
  const count = new MemberCount(ask, (value) => told.push(value), clock);
  count.set(members);
  told.length = 0;
  return { clock, server, told, count };
}

describe('the number of members', () => {
  test('is asked for once after several changes', async () => {
    const { clock, server, told, count } = scene();
    server.members = 5;
    for (let change = 0; change < 3; change += 1) count.changed();
    await clock.advance(2 * BATCH_MS);
    assert.deepEqual([server.asked, told, count.value, clock.pending], [1, [5], 5, 0]);
  });

  test('is asked for again when something changed during the question', async () => {
    const { clock, server, count } = scene();
    let answer = () => {};
    const slow = new MemberCount(
      () => new Promise((resolve) => (answer = () => resolve(server.members))),
      () => {},
      clock,
    );
    slow.changed();
    await clock.advance(2 * BATCH_MS);
    slow.changed();
    answer();
    await settle();
    server.members = 7;
    await clock.advance(2 * BATCH_MS);
    answer();
    await settle();
    assert.equal(slow.value, 7);
    assert.equal(count.value, 2);
  });

  test('is asked for the less often the more people look', async () => {
    const { clock, server, count } = scene(1000);
    for (let second = 0; second < 60; second += 1) {
      count.changed();
      await clock.advance(1000);
    }
    assert.ok(
      server.asked <= 1 + 60_000 / (1000 * MS_PER_MEMBER),
      `${server.asked} questions in a minute`,
    );
    assert.ok(server.asked >= 3);
  });

  test('stays as it was while the server is away, and follows the next change', async () => {
    const { clock, server, told, count } = scene();
    [server.away, server.members] = [true, 3];
    count.changed();
    await clock.advance(2 * BATCH_MS);
    assert.deepEqual(told, []);
    server.away = false;
    count.changed();
    await clock.advance(2 * BATCH_MS);
    assert.deepEqual(told, [3]);
  });

  test('is not asked for where nobody looks any more', async () => {
    const { clock, server, count } = scene();
    count.changed();
    count.stop();
    await clock.advance(10 * BATCH_MS);
    assert.equal(server.asked, 0);
  });
});
