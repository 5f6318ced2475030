import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { MAX_OUTSIDE_WINDOW, Quotes } from '../../../chat/static/chat/timeline/quotes.js';
import { HoldfastError } from '../../../realtime/static/realtime/lib/errors.js';
import { settle } from '../support/clock.js';

/** @param {number} id @param {number} seq @param {string} [body] @returns {any} */
const message = (id, seq, body = `as of ${seq}`) => ({
  id,
  seq,
  body,
  deleted_at: body === '' ? 'now' : null,
});

/** A room's quotes, with a window, and a server that answers when a test says so. */
function quotes() {
  const inside = new Map();
  /** @type {Map<number, {answer: (message: any) => void, fail: () => void}>} */
  const asked = new Map();
  /** @type {any[]} */
  const found = [];
  const find = (/** @type {number} */ id) =>
    new Promise(
      (answer, reject) => void asked.set(id, { answer, fail: () => reject(new Error('offline')) }),
    );
  return {
    inside,
    asked,
    found,
    quotes: new Quotes({
      inside: (id) => inside.get(id),
      find,
      found: (messages) => found.push(...messages),
    }),
  };
}

describe('the messages that others answer', () => {
  test('are those of the window, without a question to the server', () => {
    const scene = quotes();
    scene.inside.set(1, message(1, 5));
    assert.equal(scene.quotes.get(1)?.body, 'as of 5');
    assert.equal(scene.asked.size, 0);
  });

  test('are requested once, and reported when they are loaded', async () => {
    const scene = quotes();
    assert.equal(scene.quotes.get(1), null);
    assert.equal(scene.quotes.get(1), null);
    assert.equal(scene.asked.size, 1);
    scene.asked.get(1)?.answer(message(1, 5));
    await settle();
    assert.equal(scene.quotes.get(1)?.body, 'as of 5');
    assert.deepEqual(
      scene.found.map(({ id }) => id),
      [1],
    );
  });

  test('are asked for again after a failure', async () => {
    const scene = quotes();
    scene.quotes.get(1);
    scene.asked.get(1)?.fail();
    await settle();
    scene.asked.clear();
    scene.quotes.get(1);
    assert.equal(scene.asked.size, 1);
  });

  test('change with the message', () => {
    const scene = quotes();
    scene.quotes.keep([message(1, 5)]);
    scene.quotes.changed([message(1, 8, '')]);
    assert.equal(scene.quotes.get(1)?.body, '');
  });

  test('are not kept when nobody answers them', () => {
    const scene = quotes();
    scene.quotes.changed([message(1, 8)]);
    assert.equal(scene.quotes.get(1), null);
  });

  test('a text that was deleted while it was asked for does not come back with the answer', async () => {
    const scene = quotes();
    scene.quotes.get(1);
    scene.quotes.changed([message(1, 8, '')]);
    scene.asked.get(1)?.answer(message(1, 5, 'secret'));
    await settle();
    assert.equal(scene.quotes.get(1)?.body, '');
  });

  test('nor with a page of history that was under way', async () => {
    const scene = quotes();
    /** @type {(answer: any) => void} */
    let answer = () => {};
    const page = scene.quotes.from(new Promise((resolve) => (answer = resolve)));
    scene.quotes.changed([message(1, 8, '')]);
    answer({ quoted: [message(1, 5, 'secret')] });
    await page;
    assert.equal(scene.quotes.get(1)?.body, '');
  });

  test('nor with a page that was rendered before', () => {
    const scene = quotes();
    scene.quotes.keep([message(1, 8, '')]);
    scene.quotes.keep([message(1, 5, 'secret')]);
    assert.equal(scene.quotes.get(1)?.body, '');
  });

  test('a request that fails ends the watch over what passes', async () => {
    const scene = quotes();
    await assert.rejects(scene.quotes.from(Promise.reject(new Error('offline'))));
    scene.quotes.changed([message(1, 8)]);
    assert.equal(scene.quotes.get(1), null);
  });

  test('of the window and of beside it, the newer state counts', () => {
    const scene = quotes();
    scene.inside.set(1, message(1, 5));
    scene.quotes.keep([message(1, 8, '')]);
    assert.equal(scene.quotes.get(1)?.body, '');
    scene.inside.set(1, message(1, 9, 'restored'));
    assert.equal(scene.quotes.get(1)?.body, 'restored');
  });

  test('of another history nothing is kept, however high its numbers were', () => {
    const scene = quotes();
    scene.quotes.keep([message(1, 800), message(2, 801)]);
    scene.quotes.replace([message(1, 5)]);
    assert.equal(scene.quotes.get(1)?.body, 'as of 5');
    assert.equal(scene.quotes.get(2), null);
  });

  test('are bounded: the one that was kept longest ago goes', () => {
    const scene = quotes();
    for (let id = 0; id <= MAX_OUTSIDE_WINDOW; id += 1) scene.quotes.keep([message(id, 1)]);
    assert.equal(scene.quotes.get(0), null);
    assert.equal(scene.quotes.get(1)?.body, 'as of 1');
  });
});

describe('a message that is no longer kept', () => {
  test('is shown as deleted, but not requested again', async () => {
    let asked = 0;
    const quotes = new Quotes({
      inside: () => undefined,
      find: async () => {
        asked += 1;
        throw new HoldfastError('not_found', 'This message is no longer kept.');
      },
      found: () => {},
    });
    assert.equal(quotes.get(7), null);
    await settle();
    assert.notEqual(quotes.get(7)?.deleted_at, null);
    assert.equal(quotes.get(7)?.body, '');
    assert.equal(asked, 1);
  });

  test('loses its text when the room says so', () => {
    const scene = quotes();
    scene.quotes.keep([
      { ...message(1, 5), number: 1 },
      { ...message(9, 6), number: 9 },
    ]);
    scene.quotes.keepFrom(5);
    assert.equal(scene.quotes.get(1)?.body, '');
    assert.equal(scene.quotes.get(9)?.body, 'as of 6');
  });
});
