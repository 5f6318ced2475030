/**
 * Translation into the reader's language, from the page's catalogue (realtime/site/languages.py).
 * Without a catalogue, the English text itself.
 *
 * Only modules named `words.js` contain texts; `make messages` finds them there by the names of
 * these functions.
 * @module
 */

/**
 * @typedef {object} Catalogue  The functions that Django's catalogue script defines.
 * @property {(text: string) => string} [gettext]
 * @property {(one: string, many: string, count: number) => string} [ngettext]
 * @property {(context: string, text: string) => string} [pgettext]
 */
const catalogue = /** @type {Catalogue} */ (globalThis);

/** @param {string} text */
export const gettext = (text) => catalogue.gettext?.(text) ?? text;

/** @param {string} one @param {string} many @param {number} count */
export const ngettext = (one, many, count) =>
  catalogue.ngettext?.(one, many, count) ?? (count === 1 ? one : many);

/**
 * Translate a text that means different things in different contexts.
 * @param {string} context
 * @param {string} text
 */
export const pgettext = (context, text) => catalogue.pgettext?.(context, text) ?? text;

// Letters that are written from the right, and characters that set a direction.
const FROM_THE_RIGHT =
  /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text that turns nothing around it (realtime/site/visible_text.py does the same).
 * @param {string} text
 */
function isolated(text) {
  const isBidi = globalThis.document?.documentElement.dir === 'rtl';
  if (text === '' || !(isBidi || FROM_THE_RIGHT.test(text))) return text;
  return `\u2068${text.replaceAll(DIRECTIONS, '')}\u2069`;
}

/**
 * Replace the placeholders of a text: `fill(gettext('Message %(name)s'), { name })`. Values that are
 * texts are isolated: a name written from the right does not turn the sentence.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replaceAll(/%\((\w+)\)s/g, (whole, name) =>
    name in values ? shown(values[name]) : whole,
  );
}

/** @param {string | number} value */
const shown = (value) => (typeof value === 'string' ? isolated(value) : String(value));

/**
 * Translate a text that contains `%(count)s`.
 * @param {string} one
 * @param {string} many
 * @param {number} count
 */
export const counted = (one, many, count) => fill(ngettext(one, many, count), { count });

/** The locale for `Intl`, with the digits that the server's pages have in every language. */
export function locale() {
  const language = globalThis.document?.documentElement.lang;
  return language ? `${language}-u-nu-latn` : undefined;
}
