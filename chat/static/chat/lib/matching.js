/**
 * Fuzzy matching of names. Plain values, no DOM.
 * @module
 */

/**
 * The quality of a match, the worst first. Equal matches are ordered by something else, such as
 * their last use.
 */
export const MATCH = Object.freeze({ none: 0, scattered: 1, inside: 2, word: 3, start: 4 });

/** Remove accents and case, so that "cafe" finds "Café". @param {string} text */
export function plain(text) {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/**
 * The match of a text: every typed word must match, and the worst match counts.
 * @param {string} typed
 * @param {string} text
 */
export function fit(typed, text) {
  const words = plain(typed).split(/\s+/).filter(Boolean);
  const found = plain(text);
  return words.length === 0
    ? MATCH.start
    : Math.min(...words.map((word) => matchWord(word, found)));
}

/**
 * @param {string} word
 * @param {string} text
 */
function matchWord(word, text) {
  if (text.startsWith(word)) return MATCH.start;
  const at = text.indexOf(word);
  if (at < 0) return isScattered(word, text) ? MATCH.scattered : MATCH.none;
  const words = text.split(/[^\p{L}\p{N}]+/u);
  return words.some((each) => each.startsWith(word)) ? MATCH.word : MATCH.inside;
}

/**
 * True if the letters occur in this order, the first of them at the start of a word: "rlpl" finds
 * "release planning", but "lease" does not find "please send".
 */
function isScattered(/** @type {string} */ word, /** @type {string} */ text) {
  for (const { index } of text.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu)) {
    if (text[index] === word[0] && follows(word, text.slice(index))) return true;
  }
  return false;
}

/**
 * @param {string} word
 * @param {string} text
 */
function follows(word, text) {
  let at = 0;
  for (const letter of word) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/**
 * The matching items: the best first, then the most recent, then by name.
 * @template {{names: string[], recency: number}} Item recency: 0 is the most recent; Infinity
 *   is never
 * @param {string} typed
 * @param {Item[]} items
 * @returns {Item[]}
 */
export function rank(typed, items) {
  return items
    .map((item) => ({ item, fits: Math.max(...item.names.map((name) => fit(typed, name))) }))
    .filter(({ fits }) => fits > MATCH.none)
    .sort(
      (one, other) =>
        other.fits - one.fits ||
        before(one.item.recency, other.item.recency) ||
        one.item.names[0].localeCompare(other.item.names[0]),
    )
    .map(({ item }) => item);
}

/**
 * @param {number} one
 * @param {number} other
 */
function before(one, other) {
  // Two items that were never used are equal: Infinity - Infinity is NaN.
  return one === other ? 0 : one - other;
}
