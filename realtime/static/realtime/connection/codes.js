/**
 * Close codes and the client's reaction to them (docs/protocol.md §7).
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

/** The reason of a SESSION_ENDED after which the account has no session (auth/revocation.py). */
export const DEACTIVATED = 'the account was deactivated';

/** After codes from here to `STOP_LAST`, stop and explain. After all others, reconnect. */
const STOP_FIRST = 4500;
const STOP_LAST = 4999;

/** @param {number} code */
export function reconnects(code) {
  return code < STOP_FIRST || code > STOP_LAST;
}
