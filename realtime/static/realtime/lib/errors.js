/**
 * The one kind of error of the client library: what the server said, or what happened to the
 * connection instead.
 *
 * `code` is for programs: a code of the protocol (docs/protocol.md §4), or one of `LOCAL_CODES`.
 * `message` is for a person.
 * @module
 */

import { words } from './words.js';

/** Codes that no server sends: the library itself says what happened. */
export const LOCAL_CODES = Object.freeze({
  /**
   * The connection ended, or was never there, before an answer came: nothing was done, or it was
   * done once.
   */
  NO_REPLY: 'no_reply',
  /** No answer within the command's time; the same ambiguity. */
  TIMED_OUT: 'timed_out',
  /** There is no open connection; nothing was sent. */
  NOT_CONNECTED: 'not_connected',
  /**
   * The command is larger than the server reads; it was not sent, or the server closed the
   * connection over it.
   */
  TOO_BIG: 'too_big',
  /** A limit of this library is reached (waiting commands, outbox); nothing was sent. */
  TOO_MANY: 'too_many',
  /**
   * The server answered with something that is not of the protocol (a proxy's page, for example).
   */
  UNREADABLE: 'unreadable',
});

/** An answer that is not `ok`. */
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
     * Seconds until the same may be tried again, where the server said so. @readonly
     * @type {number | null}
     */
    this.retryAfter = retryAfter;
    /**
     * What a program needs to go on, e.g. `{head}` of a `reset`. @readonly
     * @type {Record<string, unknown> | null}
     */
    this.data = data;
    /** The HTTP status, where there was one. @readonly @type {number | null} */
    this.status = status;
  }

  /**
   * Read the `error` object of a reply or an HTTP answer. Whatever it is, an error comes out.
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
 * Say what a thrown thing is, so that `catch (error)` needs no second branch.
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
