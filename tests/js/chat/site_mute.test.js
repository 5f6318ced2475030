import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SiteMute } from '../../../chat/static/chat/people/site_mute.js';

const LATER = '2999-01-01T00:00:00Z';

/** @param {number} seq @param {string | null} muted_until */
const row = (seq, muted_until) => ({ id: 7, seq, muted_until });

/** @param {(path: string) => Promise<any>} [get] */
const context = (get = async () => assert.fail('nothing is asked')) => ({ api: { get } });

test('a mute arrives and is lifted', () => {
  const mute = new SiteMute(null, context());
  let changes = 0;
  mute.on('change', () => (changes += 1));
  assert.equal(mute.until, null);
  mute.update(row(3, LATER));
  assert.equal(mute.until, LATER);
  mute.update(row(4, null));
  assert.equal(mute.until, null);
  assert.equal(changes, 2);
});

test('the page was rendered with it, and what is older changes nothing', () => {
  const mute = new SiteMute(row(4, LATER), context());
  mute.update(row(3, null));
  mute.update(row(4, null));
  assert.equal(mute.until, LATER);
});

test('of another history it is read anew, whatever the numbers are', async () => {
  const mute = new SiteMute(
    row(40, LATER),
    context(async () => ({ site_mute: row(2, null), seq: 2 })),
  );
  await mute.reload();
  assert.equal(mute.until, null);
  mute.update(row(3, LATER));
  assert.equal(mute.until, LATER);
});

test('an update during a request is newer than its answer', async () => {
  /** @type {(answer: any) => void} */
  let answer = () => {};
  const mute = new SiteMute(
    null,
    context(() => new Promise((resolve) => (answer = resolve))),
  );
  const reloaded = mute.reload();
  mute.update(row(6, LATER));
  answer({ site_mute: row(5, null), seq: 5 });
  await reloaded;
  assert.equal(mute.until, LATER);
});
