/**
 * Kinds of notification, and the sentences they become (notifications/kinds.py does the same on the
 * server). An app registers the kinds that it sends: chat/inbox/kinds.js.
 * @module
 */

import { inLanguage } from './texts.js';
import { noticeWords } from './words.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 *
 * @typedef {object} Kind
 * @property {(row: Row) => string} sentence
 * @property {(row: Row) => string} [detail]  below the sentence: text that a person wrote
 * @property {string} [icon]
 * @property {'place' | 'subject'} [groupedBy]  what rows have in common to be listed as one entry
 * @property {(row: Row, count: number) => string} [summary]  of such an entry, from its newest row
 */

/** @type {Map<string, Kind>} */
const kinds = new Map();

/** @param {Record<string, Kind>} added */
export function registerKinds(added) {
  for (const [name, kind] of Object.entries(added)) kinds.set(name, kind);
}

registerKinds({
  broadcast: {
    sentence: (row) => inLanguage(row, row.params.texts).title || noticeWords.broadcast,
    detail: (row) => inLanguage(row, row.params.texts).body,
    icon: 'megaphone',
  },
  recalled: { sentence: () => noticeWords.recalled },
});

/** A kind that nobody registered shows its title. @type {Kind} */
const UNKNOWN = { sentence: (row) => row.title };

/** @param {Row} row */
export const kindOf = (row) => kinds.get(row.kind) ?? UNKNOWN;

/** @param {Row} row */
export const sentence = (row) => kindOf(row).sentence(row);

/** @param {Row} row @returns {string} */
export const detail = (row) => (kindOf(row).detail ?? ((shown) => shown.body))(row);

/** @param {Row} row */
export const icon = (row) => kindOf(row).icon ?? 'bell';

/** The text of an entry for several notifications. @param {Row} newest @param {number} count */
export const summary = (newest, count) =>
  kindOf(newest).summary?.(newest, count) ?? sentence(newest);
