/**
 * What becomes of an entry of the outbox that got no `ok`.
 * @module
 */

import { LOCAL_CODES } from '../lib/errors.js';

/** @typedef {import('../lib/errors.js').HoldfastError} HoldfastError */

/** No answer: nothing was done, or it was done once. The same key is sent again. */
const UNANSWERED = new Set(
  /** @type {string[]} */ ([
    LOCAL_CODES.NO_REPLY,
    LOCAL_CODES.NOT_CONNECTED,
    LOCAL_CODES.TIMED_OUT,
    LOCAL_CODES.UNREADABLE,
  ]),
);
/** What concerns everything that this user sends right now. */
const PAUSING = new Set(['rate_limited', 'unavailable', LOCAL_CODES.TOO_MANY]);
/** What concerns this lane for a while. */
const WAITING = new Set(['slow_mode']);

/**
 * - `again`: everything waits a moment; there is nothing to tell the person but that it is still
 *   queued
 * - `pause`: everything waits, and the person is told why
 * - `wait`: the lane waits, and the person is told why
 * - `fail`: it is the person's turn: retry or discard
 * @typedef {'again' | 'pause' | 'wait' | 'fail'} Verdict
 */

/**
 * @param {HoldfastError} error
 * @returns {Verdict}
 */
export function verdict(error) {
  if (UNANSWERED.has(error.code)) return 'again';
  if (PAUSING.has(error.code)) return 'pause';
  if (WAITING.has(error.code)) return 'wait';
  return 'fail';
}
