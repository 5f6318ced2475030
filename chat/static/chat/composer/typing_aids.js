/**
 * Smileys become emoji while they are typed, smileys and codes such as ":tada:" when they are pasted,
 * and an address that is pasted over a selection becomes its link. Ctrl-Z takes each back.
 * @module
 */

import { emojiGroups } from './emoji_table.js';
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
const PASTED = /(?<=^|\s)(?:([:;]-?[()]|<3|:[DPo])(?=\s|$)|:([\p{L}\p{N}_+-]{2,}):)/gu;
const ADDRESS = /^https?:\/\/\S+$/i;

/**
 * The smiley that was just finished before the caret; null: none, or within code.
 * @param {string} before  the text before the caret
 * @returns {{from: number, to: number, emoji: string} | null}
 */
export function smileyIn(before) {
  const found = TYPED.exec(before);
  const smiley = found?.[1] ?? found?.[2];
  if (!found || !smiley || endsInCode(before)) return null;
  const from = found.index + found[0].indexOf(smiley);
  return { from, to: from + smiley.length, emoji: SMILEYS.get(smiley) ?? smiley };
}

/**
 * A text that was pasted, with emoji for its smileys and codes, except within code.
 * @param {string} pasted
 * @param {string} before  the text before it
 * @param {Map<string, string>} codes  emoji by code
 */
export function withEmoji(pasted, before, codes) {
  return pasted.replace(PASTED, (typed, smiley, code, at) => {
    if (endsInCode(before + pasted.slice(0, at))) return typed;
    return (smiley ? SMILEYS.get(smiley) : codes.get(code.toLowerCase())) ?? typed;
  });
}

/** @param {string} before */
const endsInCode = (before) => (before.match(/`/g)?.length ?? 0) % 2 === 1;

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
  /** A text that is being pasted, and where. @type {[number, string] | null} */
  let pasting = null;
  field.addEventListener('input', (event) => {
    const { inputType, isComposing } = /** @type {InputEvent} */ (event);
    if (inputType === 'insertFromPaste' && pasting) void emojiAfterPaste(field, ...pasting);
    pasting = null;
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
    pasting = link === null ? [start, pasted.replaceAll('\r\n', '\n')] : null;
    if (link === null) return;
    event.preventDefault();
    replaceText(field, start, end, link);
  });
}

/**
 * Put emoji into a text that was pasted. If it is changed while the names of emoji are loaded, it
 * stays as it is.
 * @param {HTMLTextAreaElement} field
 * @param {number} start
 * @param {string} pasted
 */
async function emojiAfterPaste(field, start, pasted) {
  if (pasted.search(PASTED) < 0) return;
  const groups = await emojiGroups().catch(() => []);
  const emoji = groups.flatMap((group) => group.emoji);
  const codes = new Map(emoji.flatMap(({ sign, codes: own }) => own.map((code) => [code, sign])));
  const { value, selectionStart: caret } = field;
  const end = start + pasted.length;
  const changed = withEmoji(pasted, value.slice(0, start), codes);
  const isThere = value.slice(start, end) === pasted && document.activeElement === field;
  if (!isThere || changed === pasted) return;
  replaceText(field, start, end, changed);
  const moved = caret < end ? caret : caret + changed.length - pasted.length;
  field.setSelectionRange(moved, moved);
}
