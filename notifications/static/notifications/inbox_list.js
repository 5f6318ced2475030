/**
 * One tab of the inbox as far as it is loaded, newest first: which rows belong on it, and where the
 * next page begins. No DOM.
 * @module
 */

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {'unread' | 'all' | 'archived'} Tab
 */

/** The filter of `GET /api/inbox/` for each tab (docs/protocol.md §6). */
export const FILTERS = Object.freeze({ unread: 'unread', all: 'inbox', archived: 'archived' });

/** Rows in memory; of those that are not on the tab the ones that changed longest ago go first. */
const MAX_ROWS = 2000;

export class Shelf {
  /** @type {Tab} */
  tab;
  /** @type {Map<number, Row>} */
  #rows = new Map();
  /**
   * The oldest row of the pages that were loaded: older rows come with the next page, but not
   * one by one.
   */
  #floor = Infinity;
  #more;

  /**
   * @param {Tab} tab
   * @param {{notifications: Row[], more: boolean}} page  the newest one
   */
  constructor(tab, page) {
    this.tab = tab;
    this.#more = page.more;
    this.loaded(page);
  }

  /** There is more than was loaded. */
  get more() {
    return this.#more;
  }

  /** The next page has the entries before this id. */
  get before() {
    return this.#floor;
  }

  /** Newest first. @returns {Row[]} */
  get shown() {
    return [...this.#rows.values()]
      .filter((row) => this.#belongs(row))
      .sort((one, other) => other.id - one.id);
  }

  /** @param {number} id */
  get(id) {
    return this.#rows.get(id);
  }

  /**
   * An older page came, or the newest one again.
   * @param {{notifications: Row[], more: boolean}} page
   */
  loaded({ notifications, more }) {
    for (const row of notifications) this.put(row);
    const oldest = notifications.at(-1)?.id ?? 0;
    if (oldest <= this.#floor) {
      this.#floor = oldest || this.#floor;
      this.#more = more;
    }
  }

  /** A row in its new state. @param {Row} row */
  put(row) {
    if ((this.#rows.get(row.id)?.seq ?? -1) > row.seq) return;
    this.#rows.delete(row.id);
    this.#rows.set(row.id, row);
    if (this.#rows.size > MAX_ROWS) this.#forget();
  }

  /** @param {Row} row */
  #belongs(row) {
    if (row.count === 0 || (this.#more && row.id < this.#floor)) return false;
    if (this.tab === 'archived') return row.archived_at !== null;
    return row.archived_at === null && (this.tab === 'all' || row.read_at === null);
  }

  #forget() {
    for (const [id, row] of this.#rows) {
      if (this.#rows.size <= MAX_ROWS) return;
      if (!this.#belongs(row)) this.#rows.delete(id);
    }
  }
}
