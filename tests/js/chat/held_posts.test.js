import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HeldPosts } from '../../../chat/static/chat/rooms/held_posts.js';

/** @param {number} seq @param {Record<string, any>} [changes] @returns {any} */
const row = (seq, changes = {}) => ({
  id: 5,
  seq,
  room: 1,
  key: 'k5',
  body: 'a giveaway',
  reply_to: null,
  state: 'waiting',
  created_at: '2026-11-29T10:00:00Z',
  ...changes,
});

const nothing = async () => assert.fail('nothing is asked');

/**
 * @param {(path: string) => Promise<any>} [get]
 * @param {(name: string, fields: Record<string, unknown>) => Promise<any>} [command]
 */
const context = (get = nothing, command = nothing) => ({ api: { get }, client: { command } });

/** @param {HeldPosts} held @param {number} room */
const texts = (held, room) => held.in(room).map(({ fields }) => fields.body);

test('a held post is shown in its room until a moderator has decided', () => {
  const held = new HeldPosts([], context());
  let changes = 0;
  held.on('change', () => (changes += 1));
  held.update(row(3));
  assert.deepEqual(texts(held, 1), ['a giveaway']);
  assert.equal(held.in(1)[0].state, 'held');
  assert.deepEqual(texts(held, 2), []);
  held.update(row(4, { state: 'refused', body: '' }));
  assert.deepEqual(texts(held, 1), []);
  assert.equal(changes, 2);
});

test('its author withdraws it', async () => {
  /** @type {any[]} */
  const sent = [];
  const held = new HeldPosts(
    [row(3)],
    context(undefined, async (...command) => {
      sent.push(command);
      return { held_post: row(4, { state: 'withdrawn', body: '' }) };
    }),
  );
  await held.withdraw('k5');
  assert.deepEqual(sent, [['message.withdraw', { key: 'k5' }]]);
  assert.deepEqual(texts(held, 1), []);
});

test('the page was rendered with it, and what is older changes nothing', () => {
  const held = new HeldPosts([row(4)], context());
  held.update(row(3, { state: 'accepted' }));
  assert.deepEqual(texts(held, 1), ['a giveaway']);
});

test('of another history they are read anew, whatever the numbers are', async () => {
  const held = new HeldPosts(
    [row(40)],
    context(async () => ({ held_posts: [row(2, { id: 6, body: 'another' })] })),
  );
  await held.reload();
  assert.deepEqual(texts(held, 1), ['another']);
});

test('an update during a request is newer than its answer', async () => {
  /** @type {(answer: any) => void} */
  let answer = () => {};
  const held = new HeldPosts(
    [row(3)],
    context(() => new Promise((resolve) => (answer = resolve))),
  );
  const reloaded = held.reload();
  held.update(row(6, { state: 'accepted', body: '' }));
  answer({ held_posts: [row(3)] });
  await reloaded;
  assert.deepEqual(texts(held, 1), []);
});
