import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  KEEP_ACKNOWLEDGED_MS,
  MAX_ACKNOWLEDGED,
  Outbox,
} from '../../../realtime/static/realtime/outbox/outbox.js';

import { settle } from '../support/clock.js';

import { accepting, browser, shown, tab, write } from '../support/outbox.js';

describe('before the stored entries are there', () => {
  test('it can be used: what an earlier page wrote goes first', async () => {
    const shared = browser();
    write(await tab(shared), 'earlier');
    await settle();
    const outbox = new Outbox({
      owner: 7,
      indexedDB: shared.disk.factory,
      locks: shared.locks,
      channel: null,
      clock: shared.clock,
      report: shared.report,
    });
    /** @type {any[]} */
    const sent = [];
    outbox.resume(accepting(sent));
    write(outbox, 'at once');
    assert.deepEqual(shown(outbox), ['at once queued']);
    await settle();
    assert.deepEqual(
      sent.map(({ body }) => body),
      ['earlier', 'at once'],
    );
    assert.deepEqual(shown(outbox), []);
  });
});

describe('a browser that keeps nothing', () => {
  test('sends all the same, and says that it is not durable', async () => {
    const outbox = await tab(browser(), { indexedDB: null });
    assert.ok(!outbox.durable);
    /** @type {any[]} */
    const sent = [];
    outbox.resume(accepting(sent));
    write(outbox, 'one');
    write(outbox, 'two');
    await settle();
    assert.deepEqual(
      sent.map(({ body }) => body),
      ['one', 'two'],
    );
    outbox.close();
  });

  test('a disk that is full in the middle: what could not be stored is sent from memory, in order', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    assert.ok(outbox.durable);
    write(outbox, 'stored');
    await settle();
    shared.disk.full = true;
    write(outbox, 'one');
    write(outbox, 'two');
    await settle();
    assert.ok(!outbox.durable);
    /** @type {any[]} */
    const sent = [];
    outbox.resume(accepting(sent));
    await settle();
    assert.deepEqual(
      sent.map(({ body }) => body),
      ['stored', 'one', 'two'],
    );
    assert.ok(outbox.durable);
    assert.equal(shared.problems.length, 3); // two could not be stored, one could not be removed
  });
});

describe('after a restore of the database', () => {
  /** @param {number} count */
  async function acknowledged(count) {
    const shared = browser();
    const outbox = await tab(shared);
    /** @type {any[]} */
    const sent = [];
    outbox.resume(accepting(sent));
    for (let number = 1; number <= count; number += 1) write(outbox, `message ${number}`);
    await settle();
    outbox.pause();
    return { ...shared, outbox, sent: sent.splice(0), again: sent };
  }

  test('acknowledged entries are sent again, with their keys and before newer ones', async () => {
    const { outbox, sent, again } = await acknowledged(3);
    const newer = write(outbox, 'written meanwhile');
    await settle();
    outbox.repeat();
    outbox.resume(accepting(again));
    await settle();
    assert.deepEqual(
      again.map(({ key }) => key),
      [...sent.map(({ key }) => key), newer.key],
    );
    assert.equal(outbox.entries.length, 0);
  });

  test('they are kept in a limited number, for a limited time', async () => {
    const { outbox, sent, again, clock } = await acknowledged(MAX_ACKNOWLEDGED + 5);
    assert.equal(sent.length, MAX_ACKNOWLEDGED + 5);
    outbox.repeat();
    outbox.resume(accepting(again));
    await settle();
    assert.equal(again.length, MAX_ACKNOWLEDGED);
    assert.equal(again[0].body, 'message 6');
    await clock.advance(KEEP_ACKNOWLEDGED_MS + 1);
    outbox.repeat();
    await settle();
    assert.equal(again.length, MAX_ACKNOWLEDGED);
  });

  test('a deleted message does not come back, and nothing does after sign-out', async () => {
    const { outbox, sent, again } = await acknowledged(2);
    outbox.forget(sent[0].key);
    outbox.repeat();
    outbox.resume(accepting(again));
    await settle();
    assert.deepEqual(
      again.map(({ body }) => body),
      ['message 2'],
    );
    outbox.clear();
    outbox.repeat();
    await settle();
    assert.equal(again.length, 1);
  });
});
