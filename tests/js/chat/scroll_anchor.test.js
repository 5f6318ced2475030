/** Messages at the edges of the screen are found by halving. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { firstIndex } from '../../../chat/static/chat/timeline/scroll_anchor.js';

test('the first one that is on the screen, wherever the screen is', () => {
  const tops = [-300, -200, -100, 0, 50, 900];
  for (let edge = -400; edge <= 1000; edge += 25) {
    const expected = tops.findIndex((top) => top >= edge);
    assert.equal(
      firstIndex(tops, (top) => top >= edge),
      expected < 0 ? tops.length : expected,
    );
  }
  assert.equal(
    firstIndex([], () => true),
    0,
  );
});
