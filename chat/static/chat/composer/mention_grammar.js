/**
 * The grammar of mentions, as the server has it (chat/text/mentions.py): where a name begins, and
 * which names are the same. Plain values, no DOM.
 * @module
 */

const BEGUN = /[@＠﹫](?![@＠﹫])[\p{L}\p{N}\p{M}_.+@＠．＋－＿-]*$/u;
const SIGN = /[@＠﹫]$/u;
/** The end of a word, or of the first half of a mail address. */
const WORD = /([\p{L}\p{N}])[\p{M}_+＿＋－-]*$/u;
/** Words of these scripts may be right before a mention, without a blank. */
const JOINED = [
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Yiii}]/u,
  /[\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}\p{scx=Java}\p{scx=Bali}]/u,
  /[\p{scx=Tale}\p{scx=Talu}\p{scx=Lana}\p{scx=Tavt}\p{scx=Arab}\p{scx=Hebr}]/u,
];

/**
 * The mention that is being typed at the end of a text: the sign, and what there is of the name.
 * @param {string} text
 * @returns {string | undefined}
 */
export function begunMention(text) {
  const begun = BEGUN.exec(text);
  if (!begun) return undefined;
  const before = text.slice(0, begun.index);
  const letter = WORD.exec(before)?.[1];
  const isInside = letter !== undefined && !JOINED.some((script) => script.test(letter));
  return SIGN.test(before) || isInside ? undefined : begun[0];
}

/** The form that names share if they differ only in case, composition or width. */
export function same(/** @type {string} */ name) {
  return folded(name.normalize('NFKC')).normalize('NFKC');
}

/** JavaScript has no case folding: "ß" becomes "ss" by its capital letters, and "ς" is "σ". */
function folded(/** @type {string} */ text) {
  return text
    .replaceAll(/[^ı]+/gu, (part) => part.toUpperCase().toLowerCase())
    .replaceAll('ς', 'σ');
}
