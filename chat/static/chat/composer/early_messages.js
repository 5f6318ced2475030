/**
 * Takes over what was sent and pressed before the scripts were loaded (early.js).
 * @module
 */

import { slot } from '../lib/dom.js';

/**
 * The messages that wait in the page, oldest first; from now on the composer sends.
 * @param {HTMLElement} composer
 * @returns {string[]}
 */
export function takeEarlyMessages(composer) {
  const form = slot(composer, 'form');
  const list = slot(composer, 'early-list');
  const texts = [...list.children].map((item) => item.textContent ?? '');
  form.dataset.state = 'live';
  list.replaceChildren();
  slot(composer, 'early').hidden = true;
  try {
    sessionStorage.removeItem(`holdfast.early.${form.dataset.early}`);
  } catch {
    // Storage is forbidden.
  }
  return texts;
}

/** All buttons work from now on: press the one that was pressed too early. */
export function pressAgain() {
  const asked = /** @type {HTMLElement | null} */ (document.querySelector('[data-asked]'));
  document.querySelector('.app')?.removeAttribute('data-loading');
  asked?.removeAttribute('data-asked');
  asked?.click();
}
