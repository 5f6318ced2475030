/**
 * The page of a broadcast: asks for the next part of sending, or of taking back, while it is open.
 * Without this script the person presses the button.
 * @module
 */

// Enough to read the number, and to let others post.
const PAUSE_MS = 300;

/** @type {HTMLFormElement | null} */
const next = document.querySelector('form[data-continue]');
setTimeout(() => next?.requestSubmit(), PAUSE_MS);

export {};
