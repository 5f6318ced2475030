/**
 * The lock and the channel that the tabs of one browser share.
 *
 * A Web Lock goes round: every tab that needs it waits for it, so the tab that the user writes in
 * does not depend on one that the browser froze. Without locks (plain HTTP, old browsers), no tab
 * waits.
 * @module
 */

/** @typedef {import('../types.js').Clock} Clock */

/** A tab that holds the lock for longer is frozen: no command waits that long for its answer. */
export const LOCK_TIMEOUT_MS = 20_000;

/**
 * @typedef {{signal: AbortSignal}} LockOptions
 * @typedef {(name: string, options: LockOptions, held: () => Promise<void>) => Promise<void>} Request
 * @typedef {{request: Request}} Locks  the part of LockManager that is needed
 *
 * @typedef {object} Channel  the part of BroadcastChannel that is needed
 * @property {(value: any) => void} postMessage
 * @property {((message: {data: any}) => void) | null} onmessage
 * @property {() => void} close
 */

/**
 * Open a channel to the other tabs; null where the browser has none.
 * @param {string} name
 * @returns {Channel | null}
 */
export function openChannel(name) {
  if (typeof BroadcastChannel === 'undefined') return null;
  return /** @type {Channel} */ (/** @type {unknown} */ (new BroadcastChannel(name)));
}

/**
 * Run `callback` while this tab holds the lock, or without it after LOCK_TIMEOUT_MS.
 * @param {Locks | null} locks
 * @param {string} name
 * @param {Clock} clock
 * @param {() => Promise<void>} callback
 */
export async function withLock(locks, name, clock, callback) {
  if (locks === null) return callback();
  const timeout = new AbortController();
  const timer = clock.setTimeout(() => timeout.abort(), LOCK_TIMEOUT_MS);
  let begun = false;
  const begin = () => {
    begun = true;
    clock.clearTimeout(timer);
    return callback();
  };
  try {
    await locks.request(name, { signal: timeout.signal }, begin);
  } catch (error) {
    if (begun) throw error;
    await begin();
  }
}
