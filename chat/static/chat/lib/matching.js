/**
 * Finding things by a few letters of their names. Plain values, no DOM.
 * @module
 */

/**
 * How well a text fits, from not at all; things that fit equally well are told apart by something
 * else, such as when they were used last.
 */
export const FIT = Object.freeze({ none: 0, scattered: 1, inside: 2, word: 3, start: 4 });

/** Without accents and case: "Café" is found by "cafe". @param {string} text */
export function plain(text) {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/**
 * How well a text fits what was typed: each of the typed words has to be there, and the worst of
 * them counts.
 * @param {string} typed
 * @param {string} text
 */
export function fit(typed, text) {
  const words = plain(typed).split(/\s+/).filter(Boolean);
  const found = plain(text);
  return words.length === 0 ? FIT.start : Math.min(...words.map((word) => fitOfWord(word, found)));
}

/**
 * @param {string} word
 * @param {string} text
 */
function fitOfWord(word, text) {
  if (text.startsWith(word)) return FIT.start;
  const at = text.indexOf(word);
  if (at < 0) return isScattered(word, text) ? FIT.scattered : FIT.none;
  const words = text.split(/[^\p{L}\p{N}]+/u);
  return words.some((each) => each.startsWith(word)) ? FIT.word : FIT.inside;
}

/**
 * Are the letters there in this order, the first of them at the start of a word? "rlpl" finds
 * "release planning", "lease" does not find "please send".
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
 * What fits, the best first; of what fits equally well, the most recent first, then by name.
 * @template {{names: string[], recency: number}} Item recency: 0 is the most recent; Infinity,
 *   never
 * @param {string} typed
 * @param {Item[]} items
 * @returns {Item[]}
 */
export function rank(typed, items) {
  return items
    .map((item) => ({ item, fits: Math.max(...item.names.map((name) => fit(typed, name))) }))
    .filter(({ fits }) => fits > FIT.none)
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
  // two that were never used are equal: Infinity minus itself is no number
  return one === other ? 0 : one - other;
}
