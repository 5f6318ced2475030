/**
 * Code blocks in messages: the copy button, and colours (colours.js).
 * @module
 */

import { announce, clone, setIcon, setText, toastError } from '../lib/dom.js';
import { words } from '../timeline/words.js';
import { colourWhenSeen } from './colours.js';

const COPIED_MS = 2000;

/** Add the button and the colours to each block of a message. @param {HTMLElement} body */
export function enhanceCode(body) {
  for (const block of body.querySelectorAll('pre')) {
    const frame = clone('code-template');
    block.replaceWith(frame);
    frame.prepend(block);
    // Arrow keys scroll long lines.
    block.tabIndex = 0;
    const code = /** @type {HTMLElement | null} */ (block.querySelector('code[data-language]'));
    if (code) colourWhenSeen(code);
  }
}

/** @param {HTMLElement} button  of a block */
export async function copyCode(button) {
  const text = button.closest('.code')?.querySelector('pre')?.textContent ?? '';
  const done = await navigator.clipboard?.writeText(text.replace(/\n$/, '')).then(
    () => true,
    () => false,
  );
  if (!done) return toastError(words.copyCodeFailed);
  showState(button, words.copied, 'check');
  announce(words.copied);
  setTimeout(() => showState(button, words.copyCode, 'copy'), COPIED_MS);
}

/**
 * @param {HTMLElement} button
 * @param {string} label
 * @param {string} icon
 */
function showState(button, label, icon) {
  setText(button, 'label', label);
  setIcon(/** @type {Element} */ (button.querySelector('svg')), icon);
}
