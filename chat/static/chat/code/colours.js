/**
 * Colours the code blocks that the user sees. The highlighter is loaded with the first one that
 * names its language.
 * @module
 */

import { trustedScript } from '../../realtime/lib/trusted.js';
import { parsePart } from '../lib/dom.js';
import { Highlighting } from './highlighting.js';

/** So that most blocks have their colours before they are scrolled into view. */
const MARGIN = '200px';

const highlighting = new Highlighting(startWorker);

/** @type {IntersectionObserver | null} */
let observer = null;

/** @param {HTMLElement} code  with its language in `data-language` */
export function colourWhenSeen(code) {
  observer ??= new IntersectionObserver(seen, { rootMargin: MARGIN });
  observer.observe(code);
}

/** @param {IntersectionObserverEntry[]} entries */
function seen(entries) {
  for (const { isIntersecting, target } of entries) {
    // A block that is out of the page comes into it later, or never.
    if (!isIntersecting) continue;
    observer?.unobserve(target);
    void colour(/** @type {HTMLElement} */ (target));
  }
}

/** @param {HTMLElement} code */
async function colour(code) {
  const text = code.textContent ?? '';
  const html = await highlighting.colour(text, code.dataset.language ?? '');
  // The message may have been edited or removed meanwhile.
  if (html === null || !code.isConnected || code.textContent !== text) return;
  code.replaceChildren(parsePart(html));
}

/** @returns {import('./highlighting.js').Port | null} */
function startWorker() {
  const { highlighter = '' } = document.getElementById('code-template')?.dataset ?? {};
  try {
    const worker = new Worker(trustedScript(highlighter), { type: 'module' });
    return /** @type {import('./highlighting.js').Port} */ (/** @type {unknown} */ (worker));
  } catch {
    return null;
  }
}
