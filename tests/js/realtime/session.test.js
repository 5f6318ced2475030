import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { CloseCode, DEACTIVATED } from '../../../realtime/static/realtime/connection/codes.js';
import { HoldfastError } from '../../../realtime/static/realtime/lib/errors.js';
import {
  CHECK_DELAYS_MS,
  Session,
  TRUSTED_AFTER_MS,
} from '../../../realtime/static/realtime/session.js';
import { FakeClock } from '../support/clock.js';

const ALL_PAUSES = CHECK_DELAYS_MS.reduce((sum, pause) => sum + pause, 0);
const signedOut = new HoldfastError('not_authenticated', 'Sign in.', { status: 401 });

/**
 * A page's session, and a server that answers from `answers` (an error refuses), the last one for
 * ever.
 * @param {(Error | null)[]} answers
 */
function scene(...answers) {
  const clock = new FakeClock();
  const page = { started: 0, told: 0, asked: 0 };
  /** @type {(state: any) => void} */
  let heard = () => {};
  const client = {
    on: (/** @type {string} */ _name, /** @type {any} */ listener) => {
      heard = listener;
      return () => {};
    },
    start: () => {
      page.started += 1;
    },
  };
  const ask = async () => {
    const answer = answers[Math.min(page.asked, answers.length - 1)];
    page.asked += 1;
    if (answer) throw answer;
  };
  const session = new Session({
    client: /** @type {any} */ (client),
    check: ask,
    changed: () => {
      page.told += 1;
    },
    clock,
  });
  const close = (/** @type {number} */ code = CloseCode.SESSION_ENDED, reason = '') =>
    heard({ name: 'stopped', code, reason });
  return { clock, page, session, close };
}

describe('a connection that was closed because the session ended', () => {
  test('is opened again where the browser is still signed in', async () => {
    const { clock, page, session, close } = scene(null);
    close();
    assert.equal(session.checking, true);
    await clock.advance(CHECK_DELAYS_MS[0]);
    assert.deepEqual([session.checking, page], [false, { started: 1, told: 1, asked: 1 }]);
  });

  test('is opened again with the new key, which comes a moment later', async () => {
    const { clock, page, close } = scene(signedOut, null);
    close();
    await clock.advance(ALL_PAUSES);
    assert.deepEqual(page, { started: 1, told: 1, asked: 2 });
  });

  test('stays closed where the person has signed out', async () => {
    const { clock, page, session, close } = scene(signedOut);
    close();
    await clock.advance(ALL_PAUSES);
    assert.deepEqual(
      [session.checking, page],
      [false, { started: 0, told: 1, asked: CHECK_DELAYS_MS.length }],
    );
    assert.equal(clock.pending, 0);
  });

  test('stays closed at once where the account was deactivated', () => {
    const { clock, page, session, close } = scene(null);
    close(CloseCode.SESSION_ENDED, DEACTIVATED);
    assert.deepEqual(
      [session.checking, page, clock.pending],
      [false, { started: 0, told: 0, asked: 0 }, 0],
    );
  });

  test('is opened again, with the patience of every connection, where the server does not answer', async () => {
    const { clock, page, close } = scene(new HoldfastError('no_reply', 'Away.'));
    close();
    await clock.advance(ALL_PAUSES);
    assert.deepEqual(page, { started: 1, told: 1, asked: 1 });
  });

  test('is believed when it is closed again at once, and asked about again much later', async () => {
    const { clock, page, session, close } = scene(null);
    close();
    await clock.advance(ALL_PAUSES);
    close();
    assert.equal(session.checking, false);
    await clock.advance(TRUSTED_AFTER_MS);
    assert.equal(page.asked, 1);
    close();
    await clock.advance(ALL_PAUSES);
    assert.equal(page.asked, 2);
  });

  test('of other reasons nothing is asked', () => {
    const { session, close } = scene(null);
    for (const code of [CloseCode.NOT_AUTHENTICATED, CloseCode.BANNED, CloseCode.BAD_FRAME])
      close(code);
    assert.equal(session.checking, false);
  });
});
