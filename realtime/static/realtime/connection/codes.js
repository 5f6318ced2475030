/**
 * Close codes (docs/protocol.md §7) and what a client does after each.
 * @module
 */

export const CloseCode = Object.freeze({
  NORMAL: 1000,
  TOO_BIG: 1009,
  RESTART: 1012,
  OVERLOADED: 1013,
  UNRESPONSIVE: 4001,
  FLOODED: 4002,
  HOPELESSLY_SLOW: 4003,
  BAD_FRAME: 4500,
  NOT_AUTHENTICATED: 4501,
  SESSION_ENDED: 4502,
  BANNED: 4503,
  TOO_MANY_CONNECTIONS: 4504,
});

/**
 * The reason of a close with SESSION_ENDED after which no session of the account is left
 * (realtime/revocation.py).
 */
export const DEACTIVATED = 'the account was deactivated';

/** Codes from here to `STOP_LAST` mean: stop and explain. All others, known or not: reconnect. */
const STOP_FIRST = 4500;
const STOP_LAST = 4999;

/**
 * Tell whether a connection that was closed with `code` is to be opened again.
 * @param {number} code
 */
export function reconnects(code) {
  return code < STOP_FIRST || code > STOP_LAST;
}
