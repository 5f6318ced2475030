/**
 * The worker that colours code. Some texts keep the highlighter busy for seconds, and any
 * author can post one: so it runs beside the page, which ends it at a deadline (highlighting.js).
 * @module
 */

import highlight from '../vendor/highlight.js';

/** @typedef {{code: string, language: string}} Job */

const worker = /** @type {any} */ (self);

/** The coloured code as markup; null: not a known language. @param {Job} job */
function coloured({ code, language }) {
  const highlighter = /** @type {any} */ (highlight);
  return highlighter.getLanguage(language) ? highlighter.highlight(code, { language }).value : null;
}

worker.addEventListener('message', (/** @type {MessageEvent<Job>} */ { data }) => {
  worker.postMessage({ html: coloured(data) });
});
// The time to load the highlighter is not part of a deadline.
worker.postMessage({ ready: true });
