/**
 * A bounded window of numbered rows (the messages of a room): snapshot, events and older history,
 * merged by number, with its holes known.
 *
 * Numbers are 1, 2, 3 … without holes (docs/protocol.md §5), so missing rows can be detected. The
 * window is the range `first … last`. While it is *following*, its end is open: every newer row
 * extends it. Above its limit it drops the rows that are farthest from the reader; if those are the
 * newest, it stops following, and `newer` or `newest` lead back.
 *
 * A change outside the window is dropped; the row is loaded again when the reader gets there. A
 * change may arrive while an answer with the older state is under way. So `History` does the
 * loading itself, and remembers the changes that arrive meanwhile.
 * @module
 */

import { reportToConsole } from '../lib/clock.js';
import { Emitter } from '../lib/emitter.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../types.js').Row} Row */

/** Rows of one window in memory. */
const MAX_ROWS = 1_000;
/** Rows in one request. */
export const PAGE_ROWS = 50;
/** Changes that are remembered during a request; with more, the request must be repeated. */
export const MAX_CHANGES_WHILE_LOADING = 1_000;

/**
 * @typedef {Row & {id: number, number: number, seq: number}} NumberedRow
 *
 * @typedef {{before?: number, after?: number, around?: number, limit: number}} Wanted  the
 *   newest rows without any of the three
 *
 * @typedef {object} HistoryChange
 * @property {NumberedRow[]} changed  new to the window, or in a new state
 * @property {number[]} removed  numbers that the window dropped
 * @property {boolean} replaced  the whole window was replaced (opened, jumped)
 *
 * @typedef {object} HistoryOptions
 * @property {(wanted: Wanted) => Promise<NumberedRow[]>} load  rows in any order
 * @property {number} [limit]
 * @property {Report} [report]
 *
 * @typedef {object} Load  a request under way
 * @property {Map<number, NumberedRow>} changes  changes that arrived meanwhile
 * @property {boolean} overflowed  more arrived than are remembered
 */

export class History {
  #load;
  #limit;
  /** @type {Emitter<{change: HistoryChange}>} */
  #emitter;
  /** By number. @type {Map<number, NumberedRow>} */
  #rows = new Map();
  /** The numbers of the window's rows by id. @type {Map<number, number>} */
  #numbers = new Map();
  #first = 1;
  #last = 0;
  #newestNumber = 0;
  #following = true;
  /** Nothing older than `first` exists. */
  #complete = false;
  /** Older numbers are no longer kept (`room.first_number`). */
  #kept = 1;
  /** The number that the reader looks at; null: the end of the window. @type {number | null} */
  #anchor = null;
  /** Numbers without a row on the server, removed by retention. @type {Set<number>} */
  #absent = new Set();
  /** @type {Load | null} */
  #currentLoad = null;
  /** @type {Promise<void> | null} */
  #loading = null;

  /** @param {HistoryOptions} options */
  constructor({ load, limit = MAX_ROWS, report = reportToConsole }) {
    this.#load = load;
    this.#limit = limit;
    this.#emitter = new Emitter(report);
  }

  /** The rows of the window by number. @returns {NumberedRow[]} */
  get rows() {
    return [...this.#rows.values()].sort((a, b) => a.number - b.number);
  }

  /** The window's bounds; `last < first`: it is empty. */
  get range() {
    return { first: this.#first, last: this.#last };
  }

  /** The highest number known to exist, in the window or not. */
  get newestNumber() {
    return this.#newestNumber;
  }

  /** The window's end is open: newer rows extend it. */
  get following() {
    return this.#following;
  }

  /** The window starts at the beginning of the history. */
  get complete() {
    return this.#complete || this.#first <= this.#kept;
  }

  /** A request is under way. */
  get loading() {
    return this.#currentLoad !== null;
  }

  /**
   * Ranges inside the window without rows.
   * @returns {{from: number, to: number}[]}
   */
  get holes() {
    const holes = [];
    let from = this.#first;
    for (const { number } of this.rows) {
      if (number > from) holes.push({ from, to: number - 1 });
      from = number + 1;
    }
    return holes.filter(({ from, to }) => !this.#allAbsent(from, to));
  }

  /** @param {number} number */
  get(number) {
    return this.#rows.get(number);
  }

  /** The window's row with this id. @param {number} id */
  byId(id) {
    return this.#rows.get(this.#numbers.get(id) ?? 0);
  }

  /**
   * @param {'change'} name
   * @param {(change: HistoryChange) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** Replace the window with the newest rows. @param {NumberedRow[]} rows */
  open(rows) {
    this.#currentLoad = null;
    this.#replace(rows, true);
  }

  /** A row of this number exists (`room.last_number`). @param {number} number */
  saw(number) {
    this.#newestNumber = Math.max(this.#newestNumber, number);
  }

  /** Rows below this number are no longer kept. @param {number} number */
  keepFrom(number) {
    if (!(number > this.#kept)) return;
    this.#kept = number;
    const removed = [...this.#rows.keys()].filter((each) => each < number);
    for (const each of removed) this.#remove(each);
    if (this.#rows.size === 0) [this.#first, this.#last] = [1, 0];
    else this.#first = Math.max(this.#first, number);
    this.#emitChange([], removed);
  }

  /**
   * Set the position of the reader; the window drops the rows farthest from it. null: the end.
   * @param {number | null} number
   */
  setAnchor(number) {
    this.#anchor = number;
  }

  /** Apply rows that changed: from events or replies. @param {NumberedRow[]} rows */
  apply(rows) {
    const changed = [];
    for (const row of rows) {
      this.saw(row.number);
      this.#noteChange(row);
      const open = this.#following && row.number > this.#last;
      if ((open || this.#isInside(row.number)) && this.#put(row)) changed.push(row);
    }
    this.#emitChange(changed, this.#trim(this.#farEnd()));
  }

  /** Load older rows in front of the window. */
  older() {
    if (this.complete || this.#rows.size === 0) return Promise.resolve();
    const before = this.#first;
    return this.#once({ before, limit: PAGE_ROWS }, (rows) => {
      // The window has moved meanwhile, so these rows would not be adjacent to it.
      if (this.#first !== before) return;
      if (rows.length === 0) this.#complete = true;
      this.#emitChange(
        rows.filter((row) => this.#put(row)),
        this.#trim('newest'),
      );
    });
  }

  /** Load newer rows behind a window that does not follow. */
  newer() {
    if (this.#following) return Promise.resolve();
    const after = this.#last;
    return this.#once({ after, limit: PAGE_ROWS }, (rows, changes) => {
      if (this.#last !== after) return;
      const changed = rows.filter((row) => this.#put(row));
      const newer = changes.filter(({ number }) => number > this.#last);
      // All rows behind the answer arrived meanwhile: the end is open again.
      this.#following = rows.length === 0 || this.#last >= this.#newestNumber - newer.length;
      if (this.#following) changed.push(...newer.filter((row) => this.#put(row)));
      this.#emitChange(changed, this.#trim('oldest'));
    });
  }

  /** Load missing rows inside the window, one page per call. */
  fill() {
    const [hole] = this.holes;
    if (hole === undefined) return Promise.resolve();
    const limit = Math.min(PAGE_ROWS, hole.to - hole.from + 1);
    return this.#once({ after: hole.from - 1, limit }, (rows) => {
      const found = rows.filter((row) => this.#isInside(row.number) && this.#put(row));
      for (let number = hole.from; number < hole.from + limit; number += 1) {
        if (!this.#rows.has(number)) this.#absent.add(number);
      }
      this.#emitChange(found, this.#trim(this.#farEnd()));
    });
  }

  /** Move the window to a row. @param {number} number */
  async around(number) {
    if (this.#rows.has(number)) return;
    await this.#jump({ around: number, limit: PAGE_ROWS });
  }

  /** Move the window to the end. */
  async newest() {
    if (!this.#following) await this.#jump({ limit: PAGE_ROWS });
  }

  /** @param {Wanted} wanted */
  #jump(wanted) {
    this.#currentLoad = null;
    this.#loading = null;
    return this.#once(wanted, (rows, changes) => {
      const last = Math.max(0, ...rows.map((row) => row.number));
      this.#replace(rows, wanted.around === undefined || last >= this.#newestNumber);
      if (this.#following) this.apply(changes);
    });
  }

  /**
   * One request at a time; a jump replaces the one under way.
   * @param {Wanted} wanted
   * @param {(rows: NumberedRow[], changes: NumberedRow[]) => void} use
   * @returns {Promise<void>}
   */
  #once(wanted, use) {
    if (this.#loading !== null) return this.#loading;
    const loading = this.#request(wanted, use).finally(() => {
      if (this.#loading === loading) this.#loading = null;
    });
    this.#loading = loading;
    return loading;
  }

  /**
   * @param {Wanted} wanted
   * @param {(rows: NumberedRow[], changes: NumberedRow[]) => void} use
   */
  async #request(wanted, use) {
    /** @type {Load} */
    const load = { changes: new Map(), overflowed: false };
    this.#currentLoad = load;
    try {
      const rows = await this.#load(wanted);
      // The window was replaced meanwhile.
      if (this.#currentLoad !== load) return;
      if (load.overflowed) throw new HoldfastError(LOCAL_CODES.TOO_MANY, words.tooMuchChanged);
      for (const row of rows) this.saw(row.number);
      use(
        rows.map((row) => newerOf(row, load.changes.get(row.number))),
        [...load.changes.values()],
      );
    } finally {
      if (this.#currentLoad === load) this.#currentLoad = null;
    }
  }

  /**
   * @param {NumberedRow[]} rows
   * @param {boolean} following
   */
  #replace(rows, following) {
    this.#rows.clear();
    this.#numbers.clear();
    this.#absent.clear();
    [this.#first, this.#last, this.#complete, this.#following] = [1, 0, false, following];
    for (const row of rows) {
      this.saw(row.number);
      this.#put(row);
    }
    this.#emitter.emit('change', { changed: this.rows, removed: [], replaced: true });
  }

  /**
   * @param {NumberedRow} row
   * @returns {boolean}  false: the window has this state or a newer one
   */
  #put(row) {
    if (row.number < this.#kept) return false;
    const known = this.#rows.get(row.number);
    if (known !== undefined && known.seq >= row.seq) return false;
    this.#first = this.#rows.size === 0 ? row.number : Math.min(this.#first, row.number);
    this.#last = Math.max(this.#last, row.number);
    this.#rows.set(row.number, row);
    this.#numbers.set(row.id, row.number);
    return true;
  }

  /**
   * An answer under way may have an older state of the row, even of one that the window drops
   * before the answer arrives.
   * @param {NumberedRow} row
   */
  #noteChange(row) {
    const load = this.#currentLoad;
    if (load === null) return;
    if (load.changes.size >= MAX_CHANGES_WHILE_LOADING && !load.changes.has(row.number))
      load.overflowed = true;
    else load.changes.set(row.number, newerOf(row, load.changes.get(row.number)));
  }

  /** @param {number} number */
  #isInside(number) {
    return this.#rows.size > 0 && number >= this.#first && number <= this.#last;
  }

  #farEnd() {
    if (this.#anchor === null) return 'oldest';
    return this.#anchor - this.#first >= this.#last - this.#anchor ? 'oldest' : 'newest';
  }

  /**
   * Reduce the window to its limit.
   * @param {'oldest' | 'newest'} end
   * @returns {number[]}  the dropped numbers
   */
  #trim(end) {
    const excess = this.#rows.size - this.#limit;
    if (excess <= 0) return [];
    const numbers = [...this.#rows.keys()].sort((a, b) => a - b);
    const removed = end === 'oldest' ? numbers.slice(0, excess) : numbers.slice(-excess);
    for (const number of removed) this.#remove(number);
    if (end === 'oldest') [this.#first, this.#complete] = [numbers[excess], false];
    else [this.#last, this.#following] = [numbers[numbers.length - excess - 1], false];
    return removed;
  }

  /** @param {number} number */
  #remove(number) {
    this.#numbers.delete(this.#rows.get(number)?.id ?? 0);
    this.#rows.delete(number);
  }

  /** @param {number} from @param {number} to */
  #allAbsent(from, to) {
    for (let number = from; number <= to; number += 1) {
      if (!this.#absent.has(number)) return false;
    }
    return true;
  }

  /**
   * @param {NumberedRow[]} changed
   * @param {number[]} removed
   */
  #emitChange(changed, removed) {
    if (changed.length + removed.length > 0)
      this.#emitter.emit('change', { changed, removed, replaced: false });
  }
}

/**
 * @param {NumberedRow} row
 * @param {NumberedRow | undefined} other
 */
function newerOf(row, other) {
  return other !== undefined && other.seq > row.seq ? other : row;
}
