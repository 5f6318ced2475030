/** Work that waits for a frame: once, together, and no failure of one keeps the others. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { PerFrame } from '../../../chat/static/chat/lib/per_frame.js';

/** @type {(() => void)[]} */
let frames = [];
/** @type {unknown[]} */
let reported = [];

function paint() {
  const due = frames;
  frames = [];
  for (const frame of due) frame();
}

beforeEach(() => {
  [frames, reported] = [[], []];
  Object.assign(globalThis, {
    requestAnimationFrame: (/** @type {() => void} */ frame) => frames.push(frame),
    cancelAnimationFrame: () => {},
    reportError: (/** @type {unknown} */ error) => reported.push(error),
  });
});

test('all work of a frame waits for it together, and is done once, in its order', () => {
  /** @type {string[]} */
  const done = [];
  const [first, second] = [
    new PerFrame(() => done.push('first')),
    new PerFrame(() => done.push('second')),
  ];
  for (const each of [first, second, first]) each.soon();
  assert.equal(frames.length, 1);
  paint();
  assert.deepEqual(done, ['first', 'second']);
});

test('what is needed now, or not any more, is not done with the frame', () => {
  let done = 0;
  const [needed, stopped] = [new PerFrame(() => (done += 1)), new PerFrame(() => (done += 10))];
  needed.soon();
  stopped.soon();
  needed.now();
  stopped.stop();
  paint();
  assert.equal(done, 1);
});

test('work that asks for more gets it with the next frame', () => {
  let done = 0;
  const again = new PerFrame(() => {
    done += 1;
    if (done < 2) again.soon();
  });
  again.soon();
  paint();
  assert.equal(done, 1);
  paint();
  assert.equal(done, 2);
});

test('work that fails is reported, and keeps nothing else waiting', () => {
  let done = 0;
  new PerFrame(() => {
    throw new Error('broken');
  }).soon();
  new PerFrame(() => (done += 1)).soon();
  paint();
  assert.equal(done, 1);
  assert.equal(reported.length, 1);
});
