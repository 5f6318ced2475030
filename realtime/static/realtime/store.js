/**
 * Rows as plain values: what a page knows of its streams, and counting what is unread.
 *
 * A row comes from snapshots, pages, events, replies and older history, in any order; the `seq` guards it: an older state never replaces a newer one.
 * Numbers of different streams cannot be compared, so every stream has its own `Rows`; the same membership may stand in two of them.
 * @module
 */

import { Emitter } from './emitter.js';
import { reportToConsole } from './clock.js';

/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Row} Row */
/** @typedef {import('./types.js').StreamEvent} StreamEvent */

/** @typedef {{kind: string, row: Row, previous: Row | null}} Change */

/** The rows of one stream, by kind and id. */
export class Rows {
  /** @type {Map<string, Map<number, {seq: number, row: Row}>>} */
  #kinds = new Map();
  /** @type {Emitter<{change: Change}>} */
  #emitter;

  /** @param {Report} [report] */
  constructor(report = reportToConsole) {
    this.#emitter = new Emitter(report);
  }

  /**
   * Take in one state of a row.
   * @param {string} kind
   * @param {Row} row  with its `id`
   * @param {number} [seq]  the row's own, where it carries one
   * @returns {boolean}  false: a state at least as new is known already
   */
  put(kind, row, seq = row.seq) {
    const rows = this.#kinds.get(kind) ?? new Map();
    const known = rows.get(row.id);
    if (known !== undefined && known.seq >= seq) return false;
    this.#kinds.set(kind, rows.set(row.id, { seq, row }));
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

  /** Forget a row: the page does not show it any more. @param {string} kind @param {number} id */
  forget(kind, id) {
    this.#kinds.get(kind)?.delete(id);
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
 * How many are unread where rows have numbers without holes: the last number there is, minus the last one that was read.
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

  /** A row of this number exists. It never falls: an older state of the room may come late. @param {number} number */
  saw(number) {
    this.#last = Math.max(this.#last, number);
  }

  /** Everything up to here was read. It may fall: "mark unread from here". @param {number} number */
  readTo(number) {
    this.#read = number;
  }
}

/**
 * How many are unread where rows come one by one and only the newest are loaded, like an inbox.
 *
 * The server counts in every answer (`counted`); between answers changes of rows move the count. A change of a row that was never loaded
 * does not always say what it was before: then `exact` is false, and the page asks the server again.
 */
export class UnreadRows {
  #count = 0;
  #exact = true;
  /** Whether the row counts, by id. @type {Map<number, boolean>} */
  #known = new Map();
  #newest = 0;

  get count() {
    return this.#count;
  }

  /** False: ask the server, and say `counted`. */
  get exact() {
    return this.#exact;
  }

  /**
   * The server counted.
   * @param {number} count
   * @param {Row[]} [rows]  that came with the count
   */
  counted(count, rows = []) {
    this.#count = count;
    this.#exact = true;
    for (const row of rows) this.#remember(row);
  }

  /** A row in its new state. @param {Row} row */
  apply(row) {
    const before = this.#known.get(row.id) ?? (row.id > this.#newest ? false : null);
    const now = isUnread(row);
    this.#remember(row);
    if (before === null && !now) this.#exact = false;
    else if (before === true && !now) this.#count = Math.max(0, this.#count - 1);
    else if (before === false && now) this.#count += 1;
  }

  /** @param {Row} row */
  #remember(row) {
    this.#known.set(row.id, isUnread(row));
    this.#newest = Math.max(this.#newest, row.id);
  }
}

/** @param {Row} row */
function isUnread(row) {
  return !row.read_at && !row.archived_at;
}
