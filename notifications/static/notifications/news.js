/**
 * Which changes of an inbox are news, and which news the user wants to see outside of the page.
 * Pure: it reads no clock and asks no browser.
 * @module
 */

/** @typedef {import('../realtime/types.js').Row} Row */

/** Rows whose last news is remembered. */
const MAX_REMEMBERED = 500;

/**
 * Tells news from rows that changed otherwise (read, marked as unread, a reaction taken back),
 * however old they are.
 */
export class News {
  /** When what this page knows happened last, by the server's clock. */
  #latest;
  /** By id. @type {Map<number, string>} */
  #known = new Map();

  /** @param {string} since  when the page was made, by the server's clock */
  constructor(since) {
    this.#latest = since;
  }

  /** Whether the row has news that was not shown yet. @param {Row} row */
  isNews(row) {
    const when = moment(row);
    const fresh =
      row.read_at === null &&
      Boolean(row.count ?? 1) &&
      when >= this.#latest &&
      this.#known.get(row.id) !== when;
    this.#known.delete(row.id);
    this.#known.set(row.id, when);
    if (this.#known.size > MAX_REMEMBERED)
      this.#known.delete(/** @type {number} */ (this.#known.keys().next().value));
    if (when > this.#latest) this.#latest = when;
    return fresh;
  }
}

/** @param {Row} row @returns {string} */
const moment = (row) => row.updated_at ?? row.created_at;

/**
 * @typedef {object} Choices
 * @property {string[]} desktop_off
 * @property {string | null} quiet_from
 * @property {string | null} quiet_to
 */

/**
 * @param {Row} row
 * @param {Choices} choices
 * @param
 *   {{now: Date, isMuted: (place: string | null) => boolean, isBlocked: (user: number | null) => boolean}}
 *   surroundings
 */
export function isWanted(row, choices, { now, isMuted, isBlocked }) {
  if (choices.desktop_off.includes(row.kind) || isBlocked(row.actor?.id ?? null)) return false;
  return !isMuted(row.place ?? null) && !isQuiet(choices, now);
}

/**
 * Is it within the quiet hours, which may go over midnight?
 * @param {Choices} choices
 * @param {Date} now
 */
export function isQuiet({ quiet_from: from, quiet_to: to }, now) {
  if (from === null || to === null) return false;
  const clock = `${String(now.getHours()).padStart(2, '0')}:${String(now.getMinutes()).padStart(2, '0')}`;
  return from < to ? from <= clock && clock < to : from <= clock || clock < to;
}
