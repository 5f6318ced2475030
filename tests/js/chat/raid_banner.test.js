import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RaidBanner } from '../../../chat/static/chat/people/raid_banner.js';
import { FakeClock } from '../support/clock.js';

const HOUR_MS = 3_600_000;

/** The banner of a page of a moderator. @returns {any} */
function element() {
  const words = { textContent: '' };
  return { hidden: true, words, querySelector: () => words };
}

/** @param {FakeClock} clock @param {number} ms */
const until = (clock, ms) => ({ until: new Date(clock.now() + ms).toISOString() });

/** @param {object | null} raid */
const context = (raid) => ({ api: { get: async () => ({ raid }) } });

test('the banner goes away by itself when raid mode ends', async () => {
  const [shown, clock] = [element(), new FakeClock()];
  new RaidBanner(shown, until(clock, HOUR_MS), context(null), clock);
  assert.equal(shown.hidden, false);
  assert.match(shown.words.textContent, /^Raid mode is on until /);
  await clock.advance(HOUR_MS);
  assert.equal(shown.hidden, true);
});

test('it follows the server, and a raid that has ended is not shown', async () => {
  const [shown, clock] = [element(), new FakeClock()];
  const banner = new RaidBanner(shown, until(clock, -1), context(until(clock, HOUR_MS)), clock);
  assert.equal(shown.hidden, true);
  await banner.reload();
  assert.equal(shown.hidden, false);
});

test('pages of other people have none and ask nothing', async () => {
  const asked = { api: { get: async () => assert.fail('nothing is asked') } };
  await new RaidBanner(null, null, asked).reload();
});
