/**
 * The work of the page on a stranger's text grows with its length, but not faster: counted by the
 * steps of regular expressions that a quadratic one would take minutes for.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { fit } from '../../../chat/static/chat/lib/matching.js';
import { initials } from '../../../chat/static/chat/lib/words.js';
import { pictureName, pictureOf } from '../../../chat/static/chat/timeline/pictures.js';
import { splitAtRooms } from '../../../chat/static/chat/timeline/room_links.js';

const PIECES = [
  '#',
  '#a',
  '#a-',
  '#a-a ',
  'a',
  '-',
  ' ',
  '@a',
  ':a',
  '%',
  '.',
  '/',
  'a.',
  'é',
  '🙂',
];
/** Far beyond what a message may have, so that quadratic work is seen. */
const SHORT = 20_000;
const TIMES = 8;
/** Linear work takes 8 times as long, quadratic work 64 times. */
const MOST_GROWTH = 30;
/** Shorter times say nothing. */
const ENOUGH_MS = 40;
const TRIES = 4;

/** @param {(text: string) => unknown} act @param {string} text */
function cpu(act, text) {
  const before = process.cpuUsage();
  act(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** @param {(text: string) => unknown} act @param {string} piece @param {number} [short] */
function growth(act, piece, short = SHORT) {
  let least = Infinity;
  for (let tries = 0; tries < TRIES && least >= MOST_GROWTH; tries += 1) {
    const slow = cpu(act, piece.repeat((short * TIMES) / piece.length));
    const fast = cpu(act, piece.repeat(short / piece.length));
    least = Math.min(least, slow < ENOUGH_MS ? 0 : slow / Math.max(fast, 0.1));
  }
  return least;
}

/** @type {Record<string, (text: string) => unknown>} */
const WORK = {
  'rooms in a text': (text) => splitAtRooms(text, () => null),
  'rooms that exist': (text) => splitAtRooms(text, () => ({ url: '/', title: 'A' })),
  'initials of a name': initials,
  'a search in a name': (text) => fit('zq', text),
  'an image': (text) => pictureOf(`https://a.org/${text}.png`, new Set(['a.org'])),
  "an image's name": (text) => pictureName(`https://a.org/${text}.png`, ''),
};

for (const [name, act] of Object.entries(WORK)) {
  describe(name, () => {
    for (const piece of PIECES)
      test(`is linear in ${JSON.stringify(piece)}`, () =>
        assert.ok(growth(act, piece) < MOST_GROWTH));
  });
}

test('quadratic work is found', () => {
  const quadratic = (/** @type {string} */ text) => /x*y/.test(text.replaceAll('a', 'x'));
  // One noisy moment is enough to let it look linear.
  assert.ok(Array.from({ length: TRIES }).some(() => growth(quadratic, 'a', 4000) > MOST_GROWTH));
});
