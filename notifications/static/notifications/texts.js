/**
 * Texts that their author wrote in several languages (notifications/kinds.py: in_language).
 * @module
 */

/**
 * The title and the text for the language of the page; without one, those for everyone.
 * @param {import('../realtime/types.js').Row} row
 * @param {Record<string, {title?: string, body: string}>} [texts]  by language
 */
export function inLanguage(row, texts = {}) {
  const language = globalThis.document?.documentElement.lang.split('-')[0] ?? '';
  const said = texts[language];
  return said ? { title: said.title ?? '', body: said.body } : { title: row.title, body: row.body };
}
