/**
 * What the tabs of one browser share: turns, and news.
 *
 * One tab has its turn at a time, by a Web Lock that is held for as long as there is something to
 * send. The lock goes round: whoever has entries waits for it, so the tab that a person writes in
 * does not depend on one that the browser froze. Where there are no locks (plain HTTP, old
 * browsers), every tab has its turn at once.
 * @module
 */

/** @typedef {import('../types.js').Clock} Clock */

/** A tab that holds the lock for longer is frozen: longer than any command waits for its answer. */
export const LOCK_PATIENCE_MS = 20_000;

/**
 * @typedef {object} Locks  the part of LockManager that is needed
 * @property
 *   {(name: string, options: {signal: AbortSignal}, callback: () => Promise<void>) => Promise<void>}
 *   request
 *
 * @typedef {object} Channel  the part of BroadcastChannel that is needed
 * @property {(value: any) => void} postMessage
 * @property {((message: {data: any}) => void) | null} onmessage
 * @property {() => void} close
 */

/**
 * Open the channel on which the other tabs hear what this one says; null where the browser has
 * none.
 * @param {string} name
 * @returns {Channel | null}
 */
export function openChannel(name) {
  if (typeof BroadcastChannel === 'undefined') return null;
  return /** @type {Channel} */ (/** @type {unknown} */ (new BroadcastChannel(name)));
}

/**
 * Run `turn` while no other tab runs its own, or after LOCK_PATIENCE_MS all the same.
 * @param {Locks | null} locks
 * @param {string} name
 * @param {Clock} clock
 * @param {() => Promise<void>} turn
 */
export async function takeTurn(locks, name, clock, turn) {
  if (locks === null) return turn();
  const patience = new AbortController();
  const timer = clock.setTimeout(() => patience.abort(), LOCK_PATIENCE_MS);
  let begun = false;
  const begin = () => {
    begun = true;
    clock.clearTimeout(timer);
    return turn();
  };
  try {
    await locks.request(name, { signal: patience.signal }, begin);
  } catch (error) {
    if (begun) throw error;
    await begin();
  }
}
