import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { LOCK_TIMEOUT_MS } from '../../../realtime/static/realtime/tabs/tabs.js';
import { settle } from '../support/clock.js';

import { accepting, browser, line, refusal, shown, tab, write } from '../support/outbox.js';

describe('two tabs', () => {
  test('send what is in the outbox once between them', async () => {
    const shared = browser();
    const [one, two] = [await tab(shared), await tab(shared)];
    /** @type {any[]} */
    const sent = [];
    one.resume(accepting(sent));
    two.resume(accepting(sent));
    for (let i = 0; i < 10; i += 1) {
      write(one, `one ${i}`);
      write(two, `two ${i}`);
    }
    await settle();
    assert.equal(sent.length, 20);
    assert.equal(new Set(sent.map(({ key }) => key)).size, 20);
    assert.deepEqual([one.entries, two.entries], [[], []]);
  });

  test('show the same', async () => {
    const shared = browser();
    const [one, two] = [await tab(shared), await tab(shared)];
    const { send, waiting } = line();
    one.resume(send);
    const entry = write(one, 'hello');
    await settle();
    assert.deepEqual(shown(two), ['hello sending']);
    assert.ok(!two.discard(entry.key));
    waiting[0].failed(refusal('muted'));
    await settle();
    assert.deepEqual(shown(two), ['hello failed']);
    two.discard(entry.key);
    await settle();
    assert.deepEqual(shown(one), []);
    assert.equal(entry.state, 'discarded');
  });

  test('one sends for the other that is offline, and tells it', async () => {
    const shared = browser();
    const [online, offline] = [await tab(shared), await tab(shared)];
    online.resume(async () => ({ message: { id: 5 } }));
    const entry = write(offline, 'hello');
    await settle();
    assert.equal(entry.state, 'sent');
    assert.deepEqual(entry.result, { message: { id: 5 } });
  });

  test('one goes on when the other dies in the middle of sending', async () => {
    const shared = browser();
    const die = shared.locks.freeze();
    const two = await tab(shared);
    const { send, sent } = line();
    two.resume(send);
    write(two, 'hello');
    await settle();
    assert.equal(sent.length, 0);
    die();
    await settle();
    assert.equal(sent.length, 1);
  });

  test('one does not wait for ever for the other that is frozen', async () => {
    const shared = browser();
    shared.locks.freeze();
    const two = await tab(shared);
    const { send, sent } = line();
    two.resume(send);
    write(two, 'hello');
    await shared.clock.advance(LOCK_TIMEOUT_MS - 1);
    assert.equal(sent.length, 0);
    await shared.clock.advance(1);
    assert.equal(sent.length, 1);
  });

  test('without a channel find out what the other sent when their turn comes', async () => {
    const shared = browser();
    const [one, two] = [await tab(shared, { channel: null }), await tab(shared, { channel: null })];
    const entry = write(one, 'hello');
    await settle();
    /** @type {any[]} */
    const sent = [];
    two.resume(accepting(sent));
    write(two, 'mine');
    await settle();
    one.resume(accepting(sent));
    await settle();
    assert.deepEqual(
      sent.map(({ body }) => body),
      ['hello', 'mine'],
    );
    assert.equal(entry.state, 'sent');
  });

  test('without locks each sends its own', async () => {
    const shared = browser();
    const [one, two] = [await tab(shared, { locks: null }), await tab(shared, { locks: null })];
    /** @type {any[]} */
    const sentByOne = [];
    /** @type {any[]} */
    const sentByTwo = [];
    one.resume(accepting(sentByOne));
    two.resume(accepting(sentByTwo));
    write(one, 'from one');
    write(two, 'from two');
    await settle();
    assert.deepEqual(
      sentByOne.map(({ body }) => body),
      ['from one'],
    );
    assert.deepEqual(
      sentByTwo.map(({ body }) => body),
      ['from two'],
    );
  });
});
