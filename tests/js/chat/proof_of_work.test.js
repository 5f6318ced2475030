import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { sha256, solve } from '../../../chat/static/chat/account/proof_of_work.js';

/** @param {string} text */
const hex = (text) => [...sha256(text)].map((word) => word.toString(16).padStart(8, '0')).join('');

/** By the browser's own SHA-256. @param {string} text */
async function expected(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

describe('the proof of work', () => {
  test('computes SHA-256 for every length of one block', async () => {
    for (let length = 0; length <= 55; length += 1) {
      const text = 'aZ9:~'.repeat(11).slice(0, length);
      assert.equal(hex(text), await expected(text));
    }
  });

  test('refuses what does not fit into a block', () => {
    assert.throws(() => sha256('x'.repeat(56)), RangeError);
  });

  test('finds a number that the server accepts', async () => {
    const number = solve('0123456789abcdefghijkl', 12);
    assert.match(await expected(`0123456789abcdefghijkl:${number}`), /^000/);
  });

  test('is done at once with no bits', () => {
    assert.equal(solve('seed', 0), 0);
  });
});
