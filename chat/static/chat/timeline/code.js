/**
 * Blocks of code in messages: their colours, and the button that copies them. What colours them is
 * loaded with the first block that names its language.
 * @module
 */

import { announce, clone, complain, parsePart, setIcon, setText } from '../lib/dom.js';
import { words } from './words.js';

/**
 * @typedef
 *   {{getLanguage: (name: string) => unknown, highlight: (code: string, options: {language: string}) => {value: string}}}
 *   Highlighter
 */

const COPIED_MS = 2000;

/** @type {Highlighter | null} */
let highlighter = null;

/** Give each block of a message its button and its colours. @param {HTMLElement} body */
export function dressCode(body) {
  for (const block of body.querySelectorAll('pre')) {
    const frame = clone('code-template');
    block.replaceWith(frame);
    frame.prepend(block);
    block.tabIndex = 0; // long lines are scrolled with the arrows
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
  if (!done) return complain(words.copyCodeFailed);
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
  // it escapes the code, and makes nothing but spans with classes of its own
  code.replaceChildren(parsePart(coloured));
}

/** Without it, code is plain: nobody needs to be told. @returns {Promise<Highlighter | null>} */
async function load() {
  try {
    const module = /** @type {any} */ (await import('../vendor/highlight.js'));
    highlighter = /** @type {Highlighter} */ (module.default);
  } catch {
    // The network is away; the next block tries again.
  }
  return highlighter;
}
