/**
 * Grouping a list of notifications: messages of one room, reactions to one message.
 * notifications/grouping.py does the same for the page as the server sends it;
 * tests/js/notifications/grouping.test.js and tests/notifications/test_grouping.py have the same
 * cases.
 * @module
 */

import { kindOf } from './kinds.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {{key: string, rows: Row[]}} Group  rows in the order of the list; mostly one
 */

/**
 * A group has the position of its first row.
 * @param {Row[]} rows
 * @returns {Group[]}
 */
export function grouped(rows) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const row of rows) {
    const common = row[kindOf(row).groupedBy ?? ''];
    const key = common ? `${row.kind} ${common}` : String(row.id);
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { key, rows: [row] });
  }
  return [...groups.values()];
}

/** How many messages or reactions a group has. @param {Row[]} rows */
export const total = (rows) => rows.reduce((sum, row) => sum + (row.count ?? 1), 0);

/**
 * The oldest unread row, else the newest.
 * @param {Row[]} rows  newest first
 */
export const firstUnread = (rows) => rows.findLast((row) => row.read_at === null) ?? rows[0];
