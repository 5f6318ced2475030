/**
 * What belongs together in a list of notifications: messages of one room, reactions to one message.
 * notifications/grouping.py does the same for the page as the server sends it;
 * tests/js/notifications/grouping.test.js and tests/notifications/test_grouping.py have the same
 * cases.
 * @module
 */

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {{key: string, rows: Row[]}} Group rows in the order of the list; a group of one is no
 *   group
 */

/** By kind: what two of them must have in common. */
const COMMON = Object.freeze({ message: 'place', direct: 'place', reaction: 'subject' });

/**
 * A group stands where its first row stands.
 * @param {Row[]} rows
 * @returns {Group[]}
 */
export function grouped(rows) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const row of rows) {
    const common = row[COMMON[/** @type {keyof typeof COMMON} */ (row.kind)] ?? ''];
    const key = common ? `${row.kind} ${common}` : String(row.id);
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { key, rows: [row] });
  }
  return [...groups.values()];
}

/** How many things a group tells of. @param {Row[]} rows */
export const total = (rows) => rows.reduce((sum, row) => sum + (row.count ?? 1), 0);

/**
 * Where one begins to read: the oldest that is unread, else the newest.
 * @param {Row[]} rows  newest first
 */
export const entrance = (rows) => rows.findLast((row) => row.read_at === null) ?? rows[0];
