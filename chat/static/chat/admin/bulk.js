/**
 * The page of a bulk act: asks for the next batches while it is open. Without this script there is
 * the button.
 * @module
 */

const PAUSE_MS = 300; // so that the number can be read, and others post meanwhile

const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form[data-continue]'));
setTimeout(() => form?.requestSubmit(), PAUSE_MS);
