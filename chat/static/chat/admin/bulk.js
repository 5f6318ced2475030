/**
 * The page of a bulk action: requests the next batch while it is open. Without this script the
 * moderator presses the button.
 * @module
 */

// Enough to read the number, and to let others post.
const PAUSE_MS = 300;

const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form[data-continue]'));
setTimeout(() => form?.requestSubmit(), PAUSE_MS);
