/**
 * Work that may wait until the page has nothing else to do.
 * @module
 */

/** Not longer than this; Safari has no idle callbacks, and waits as long. */
const LONGEST_MS = 1000;

/** @param {() => void} act */
export function whenIdle(act) {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(act, { timeout: LONGEST_MS });
  else setTimeout(act, LONGEST_MS);
}
