import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Blocks } from '../../../chat/static/chat/people/blocks.js';

const bob = { id: 9, username: 'bob', name: 'Bob' };

/** @param {number} seq @param {string | null} [lifted_at] */
const row = (seq, lifted_at = null) => ({ id: 1, seq, user: bob, lifted_at });

/** @param {any[]} answers */
function context(answers = []) {
  /** @type {any[]} */
  const asked = [];
  const answer = async (/** @type {any[]} */ ...args) => {
    asked.push(args);
    return answers.shift();
  };
  return { asked, api: { get: answer }, client: { command: answer } };
}

test('a block is in effect until it is removed', () => {
  const blocks = new Blocks([row(3)], context());
  assert.equal(blocks.has(9), true);
  assert.equal(blocks.has(7), false);
  blocks.update(row(4, '2026-11-24T10:00:00Z'));
  assert.equal(blocks.has(9), false);
});

test('an older row changes nothing, whichever way it comes', () => {
  const blocks = new Blocks([], context());
  /** @type {(number | null)[]} */
  const told = [];
  blocks.on('change', (userId) => told.push(userId));
  blocks.update(row(5));
  blocks.update(row(4, '2026-11-24T10:00:00Z'));
  blocks.update(row(5));
  assert.equal(blocks.has(9), true);
  assert.deepEqual(told, [9]);
});

test('the answer to the command counts before the event comes', async () => {
  const server = context([{ block: row(6) }, { block: row(7, '2026-11-24T10:00:00Z') }]);
  const blocks = new Blocks([], server);
  await blocks.set(9, true);
  assert.equal(blocks.has(9), true);
  await blocks.set(9, false);
  assert.equal(blocks.has(9), false);
  assert.deepEqual(server.asked, [
    ['person.block', { user: 9 }],
    ['person.unblock', { user: 9 }],
  ]);
});

test('other people than before are reported once, and a list that is the same is not', async () => {
  const server = context([{ blocks: [row(5)] }, { blocks: [] }]);
  const blocks = new Blocks([], server);
  let others = 0;
  blocks.on('others', () => {
    others += 1;
  });
  blocks.update(row(5));
  await blocks.reload();
  assert.equal(others, 1);
  await blocks.reload();
  assert.equal(others, 2);
});

test('where changes may have been missed, the list is read anew', async () => {
  const blocks = new Blocks([row(3)], context([{ blocks: [] }]));
  await blocks.reload();
  assert.equal(blocks.has(9), false);
});
