/**
 * The real clock, and the default report of errors that no caller receives.
 * @module
 */

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').Report} Report */

/** @type {Clock} */
export const realClock = Object.freeze({
  now: () => Date.now(),
  setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) =>
    globalThis.setTimeout(callback, ms),
  clearTimeout: (/** @type {any} */ handle) => globalThis.clearTimeout(handle),
  random: () => Math.random(),
});

/** @type {Report} */
export const reportToConsole = (error, where) => console.error(`holdfast: ${where}`, error);
