/**
 * Smileys become emoji while they are typed, and an address that is pasted over a selection becomes
 * its link. Ctrl-Z takes each back.
 * @module
 */

import { replaceText } from './text_field.js';

/** Those that end in a letter wait for a blank, because ":De" may become the name of an emoji. */
const SMILEYS = new Map([
  [':)', '🙂'],
  [':-)', '🙂'],
  [';)', '😉'],
  [';-)', '😉'],
  [':(', '🙁'],
  [':-(', '🙁'],
  ['<3', '❤️'],
  [':D', '😄'],
  [':P', '😛'],
  [':o', '😮'],
]);
const TYPED = /(?:^|\s)(?:([:;]-?[()]|<3)|(:[DPo])\s)$/;
const ADDRESS = /^https?:\/\/\S+$/i;

/**
 * The smiley that was just finished before the caret; null: none, or within code.
 * @param {string} before  the text before the caret
 * @returns {{from: number, to: number, emoji: string} | null}
 */
export function smileyIn(before) {
  const found = TYPED.exec(before);
  const smiley = found?.[1] ?? found?.[2];
  const isCode = (before.match(/`/g)?.length ?? 0) % 2 === 1;
  if (!found || !smiley || isCode) return null;
  const from = found.index + found[0].indexOf(smiley);
  return { from, to: from + smiley.length, emoji: SMILEYS.get(smiley) ?? smiley };
}

/**
 * The Markdown of an address that is pasted over a text; null: it is pasted as it is.
 * @param {string} selected
 * @param {string} pasted
 */
export function linkFrom(selected, pasted) {
  const address = pasted.trim();
  const isLabel = selected.trim() !== '' && !/[\n[\]]/.test(selected) && !ADDRESS.test(selected);
  return isLabel && ADDRESS.test(address) ? `[${selected}](${address})` : null;
}

/** @param {HTMLTextAreaElement} field */
export function aidTyping(field) {
  field.addEventListener('input', (event) => {
    const { inputType, isComposing } = /** @type {InputEvent} */ (event);
    if (inputType !== 'insertText' || isComposing) return;
    const caret = field.selectionStart;
    const found = smileyIn(field.value.slice(0, caret));
    if (!found) return;
    replaceText(field, found.from, found.to, found.emoji);
    const end = caret + found.emoji.length - (found.to - found.from);
    field.setSelectionRange(end, end);
  });
  field.addEventListener('paste', (event) => {
    const { selectionStart: start, selectionEnd: end, value } = field;
    const pasted = event.clipboardData?.getData('text/plain') ?? '';
    const link = linkFrom(value.slice(start, end), pasted);
    if (link === null) return;
    event.preventDefault();
    replaceText(field, start, end, link);
  });
}
