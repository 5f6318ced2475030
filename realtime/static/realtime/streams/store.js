/**
 * Rows as plain values: what a page knows of its streams, and counting what is unread.
 *
 * A row comes from snapshots, pages, events, replies and older history, in any order; its `seq`
 * guards it: an older state never replaces a newer one. Numbers of different streams cannot be
 * compared, so every stream has its own `Rows`; the same row may stand in two of them.
 * @module
 */

import { reportToConsole } from '../lib/clock.js';
import { Emitter } from '../lib/emitter.js';

/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').StreamEvent} StreamEvent */

/** Rows of one kind of one stream in memory; the ones that changed longest ago go first. */
export const MAX_ROWS_PER_KIND = 20_000;
/**
 * Rows whose state an `UnreadRows` remembers, and changes that it can apply again after a count.
 */
export const MAX_REMEMBERED = 2_000;

/** @typedef {{kind: string, row: Row, previous: Row | null}} Change */

/** The rows of one stream, by kind and id. */
export class Rows {
  /** @type {Map<string, Map<number, {seq: number, row: Row}>>} */
  #kinds = new Map();
  #limit;
  /** @type {Emitter<{change: Change}>} */
  #emitter;

  /** @param {{limit?: number, report?: Report}} [options] */
  constructor({ limit = MAX_ROWS_PER_KIND, report = reportToConsole } = {}) {
    this.#limit = limit;
    this.#emitter = new Emitter(report);
  }

  /**
   * Take in one state of a row.
   * @param {string} kind
   * @param {Row} row  with its `id`
   * @param {number} [seq] the row's own, where it carries one; of a snapshot's rows that carry
   *   none, the snapshot's
   * @returns {boolean}  false: a state at least as new is known already
   */
  put(kind, row, seq = row.seq) {
    const rows = this.#kinds.get(kind) ?? new Map();
    const known = rows.get(row.id);
    if (known !== undefined && known.seq >= seq) return false;
    this.#kinds.set(kind, rows);
    setNewest(rows, row.id, { seq, row }, this.#limit);
    this.#emitter.emit('change', { kind, row, previous: known?.row ?? null });
    return true;
  }

  /** Take in events. @param {StreamEvent[]} events */
  apply(events) {
    for (const { kind, data, seq } of events) this.put(kind, data, seq);
  }

  /**
   * @param {string} kind
   * @param {number} id
   * @returns {Row | undefined}
   */
  get(kind, id) {
    return this.#kinds.get(kind)?.get(id)?.row;
  }

  /** @param {string} kind @returns {Row[]} */
  all(kind) {
    return [...(this.#kinds.get(kind)?.values() ?? [])].map(({ row }) => row);
  }

  /** @param {string} kind */
  count(kind) {
    return this.#kinds.get(kind)?.size ?? 0;
  }

  /** Forget everything: a snapshot follows. */
  clear() {
    this.#kinds.clear();
  }

  /**
   * @param {'change'} name
   * @param {(change: Change) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }
}

/**
 * How many are unread where rows have numbers without holes: the last number there is, minus the
 * last one that was read.
 *
 *     const unread = new Unread({ last: room.last_number, read: membership.read_number });
 *     unread.saw(message.number);            // every message seen raises the last number
 *     unread.readTo(membership.read_number); // from any tab or device
 */
export class Unread {
  #last;
  #read;

  /** @param {{last?: number, read?: number}} [numbers] */
  constructor({ last = 0, read = 0 } = {}) {
    this.#last = last;
    this.#read = read;
  }

  get count() {
    return Math.max(0, this.#last - this.#read);
  }

  get last() {
    return this.#last;
  }

  get read() {
    return this.#read;
  }

  /**
   * A row of this number exists. It never falls: an older state of the room may come late.
   * @param {number} number
   */
  saw(number) {
    this.#last = Math.max(this.#last, number);
  }

  /**
   * Everything up to here was read. It may fall: "mark unread from here".
   * @param {number} number
   */
  readTo(number) {
    this.#read = number;
  }
}

/**
 * How many are unread where rows come one by one and only the newest are loaded, like an inbox.
 *
 * The server counts in its answers (`counted`); between them the rows that change move the count. A
 * change of a row that was never loaded does not say what the row was before: then `exact` is
 * false, and the page asks the server again.
 */
export class UnreadRows {
  #count = 0;
  #exact = true;
  /** @type {Map<number, {seq: number, unread: boolean}>} */
  #known = new Map();
  #newestId = 0;
  /**
   * The last changes, by id: a count may have been on its way while they came.
   * @type {Map<number, Row>}
   */
  #recent = new Map();
  /** Changes up to here may be missing in `#recent`. */
  #forgotten = 0;

  get count() {
    return this.#count;
  }

  /** False: ask the server, and say `counted`. */
  get exact() {
    return this.#exact;
  }

  /**
   * The server counted: everything up to `seq` is in the count, and `rows` are the newest. A row
   * above `seq` changed while the server was counting; whether the count has it is unknown.
   * @param {{unread: number, seq: number, rows: Row[]}} answer
   */
  counted({ unread, seq, rows }) {
    this.#count = unread;
    this.#exact = seq >= this.#forgotten && rows.every((row) => row.seq <= seq);
    // Of rows that did not come with the count, nobody can say in which state they were counted.
    this.#known.clear();
    this.#newestId = 0;
    for (const row of rows) this.#remember(row);
    for (const row of [...this.#recent.values()].filter((recent) => recent.seq > seq))
      this.#move(row);
  }

  /** Rows in their new state. @param {Row[]} rows */
  apply(rows) {
    for (const row of rows) {
      const oldest =
        this.#recent.size >= MAX_REMEMBERED ? this.#recent.values().next().value : undefined;
      if (oldest) this.#forgotten = Math.max(this.#forgotten, oldest.seq);
      setNewest(this.#recent, row.id, row, MAX_REMEMBERED);
      this.#move(row);
    }
  }

  /** @param {Row} row */
  #move(row) {
    const known = this.#known.get(row.id);
    if (known !== undefined && known.seq >= row.seq) return;
    const before = known?.unread ?? (row.id > this.#newestId ? false : null);
    const now = isUnread(row);
    if (before === null && !now) this.#exact = false;
    else if (before === true && !now) this.#count = Math.max(0, this.#count - 1);
    else if (before === false && now) this.#count += 1;
    this.#remember(row);
  }

  /** @param {Row} row */
  #remember(row) {
    setNewest(this.#known, row.id, { seq: row.seq, unread: isUnread(row) }, MAX_REMEMBERED);
    this.#newestId = Math.max(this.#newestId, row.id);
  }
}

/** @param {Row} row */
function isUnread(row) {
  return !row.read_at && !row.archived_at;
}

/**
 * Set a key as the newest of a bounded map, and let go of the oldest.
 * @template Value
 * @param {Map<number, Value>} map
 * @param {number} key
 * @param {Value} value
 * @param {number} limit
 */
function setNewest(map, key, value, limit) {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= limit) return;
    map.delete(oldest);
  }
}
