/**
 * Code blocks in messages: syntax highlighting and the copy button. The highlighter is loaded with
 * the first block that names its language.
 * @module
 */

import { announce, clone, parsePart, setIcon, setText, toastError } from '../lib/dom.js';
import { words } from './words.js';

/**
 * @typedef {object} Highlighter
 * @property {(name: string) => unknown} getLanguage
 * @property {(code: string, options: {language: string}) => {value: string}} highlight
 */

const COPIED_MS = 2000;

/** @type {Highlighter | null} */
let highlighter = null;

/** Add the button and the highlighting to each block of a message. @param {HTMLElement} body */
export function enhanceCode(body) {
  for (const block of body.querySelectorAll('pre')) {
    const frame = clone('code-template');
    block.replaceWith(frame);
    frame.prepend(block);
    // Arrow keys scroll long lines.
    block.tabIndex = 0;
    const code = /** @type {HTMLElement | null} */ (block.querySelector('code[data-language]'));
    if (code) void colour(code);
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

/** @param {HTMLElement} code */
async function colour(code) {
  const language = code.dataset.language ?? '';
  const found = highlighter ?? (await load());
  if (!found?.getLanguage(language)) return;
  const coloured = found.highlight(code.textContent ?? '', { language }).value;
  // The highlighter escapes the code, and adds only spans with its own classes.
  code.replaceChildren(parsePart(coloured));
}

/**
 * Null: code is shown without colours, and without an error.
 * @returns {Promise<Highlighter | null>}
 */
async function load() {
  try {
    const module = /** @type {any} */ (await import('../vendor/highlight.js'));
    highlighter = /** @type {Highlighter} */ (module.default);
  } catch {
    // Without the network; the next block tries again.
  }
  return highlighter;
}
