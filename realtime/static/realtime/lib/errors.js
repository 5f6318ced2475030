/**
 * The one error class of the client library: an error from the server, or of the connection.
 *
 * `code` is for programs: a code of the protocol (docs/protocol.md §4), or one of `LOCAL_CODES`.
 * `message` is for the user.
 * @module
 */

import { words } from './words.js';

/** Codes of the library itself; no server sends them. */
export const LOCAL_CODES = Object.freeze({
  /** The connection ended before an answer: the command was executed once, or not at all. */
  NO_REPLY: 'no_reply',
  /** No answer within the time limit; the same ambiguity. */
  TIMED_OUT: 'timed_out',
  /** No open connection; nothing was sent. */
  NOT_CONNECTED: 'not_connected',
  /**
   * The command is larger than the server accepts; it was not sent, or the server closed the
   * connection.
   */
  TOO_BIG: 'too_big',
  /** A limit of this library is reached (waiting commands, outbox); nothing was sent. */
  TOO_MANY: 'too_many',
  /** The answer does not follow the protocol: a proxy's page, for example. */
  UNREADABLE: 'unreadable',
});

export class HoldfastError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param
   *   {{retryAfter?: number | null, data?: Record<string, unknown> | null, status?: number | null}}
   *   [more]
   */
  constructor(code, message, { retryAfter = null, data = null, status = null } = {}) {
    super(message);
    this.name = 'HoldfastError';
    /** @readonly @type {string} */
    this.code = code;
    /**
     * Seconds until the next attempt, if the server sent them. @readonly
     * @type {number | null}
     */
    this.retryAfter = retryAfter;
    /**
     * Details for programs, e.g. `{head}` of a `reset`. @readonly
     * @type {Record<string, unknown> | null}
     */
    this.data = data;
    /** The HTTP status, if there is one. @readonly @type {number | null} */
    this.status = status;
  }

  /**
   * Read the `error` object of a reply or an HTTP answer. Returns an error for any value.
   * @param {unknown} value
   * @param {number | null} [status]
   * @returns {HoldfastError}
   */
  static from(value, status = null) {
    const error = /** @type {Record<string, unknown>} */ (
      typeof value === 'object' && value !== null ? value : {}
    );
    const code = typeof error.code === 'string' ? error.code : LOCAL_CODES.UNREADABLE;
    const message = typeof error.message === 'string' ? error.message : words.unreadable;
    const retryAfter =
      typeof error.retry_after === 'number' && error.retry_after >= 0 ? error.retry_after : null;
    const data =
      typeof error.data === 'object'
        ? /** @type {Record<string, unknown> | null} */ (error.data)
        : null;
    return new HoldfastError(code, message, { retryAfter, data, status });
  }
}

/**
 * Make a HoldfastError of any thrown value, so that `catch (error)` needs no second branch.
 * @param {unknown} thrown
 * @returns {HoldfastError}
 */
export function asHoldfastError(thrown) {
  if (thrown instanceof HoldfastError) return thrown;
  return new HoldfastError(
    LOCAL_CODES.UNREADABLE,
    thrown instanceof Error ? thrown.message : String(thrown),
  );
}
