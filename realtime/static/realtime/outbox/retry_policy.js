/**
 * Decides what happens to an entry of the outbox that got no `ok`.
 * @module
 */

import { LOCAL_CODES } from '../lib/errors.js';

/** @typedef {import('../lib/errors.js').HoldfastError} HoldfastError */

/** Without an answer, the command was executed once or not at all: repeat it with its key. */
const UNANSWERED = new Set(
  /** @type {string[]} */ ([
    LOCAL_CODES.NO_REPLY,
    LOCAL_CODES.NOT_CONNECTED,
    LOCAL_CODES.TIMED_OUT,
    LOCAL_CODES.UNREADABLE,
  ]),
);
/** Errors that concern everything that this user sends. */
const PAUSING = new Set(['rate_limited', 'unavailable', LOCAL_CODES.TOO_MANY]);
/** Errors that concern one ordering key. */
const WAITING = new Set(['slow_mode']);

/** Not refused: the server keeps it for a review, and tells the rest in the inbox. */
const STORED = new Set(['held']);

/**
 * - `stored`: nothing is left to send
 * - `again`: all entries wait a moment, shown as queued
 * - `pause`: all entries wait, shown with the reason
 * - `wait`: entries with this ordering key wait, shown with the reason
 * - `fail`: the user retries or discards the entry
 * @typedef {'stored' | 'again' | 'pause' | 'wait' | 'fail'} RetryPolicy
 */

/**
 * @param {HoldfastError} error
 * @returns {RetryPolicy}
 */
export function retryPolicy(error) {
  if (STORED.has(error.code)) return 'stored';
  if (UNANSWERED.has(error.code)) return 'again';
  if (PAUSING.has(error.code)) return 'pause';
  if (WAITING.has(error.code)) return 'wait';
  return 'fail';
}
