/**
 * A window of numbered rows (the messages of a room): snapshot, events and older history merged by
 * number, bounded, with its holes known.
 *
 * Numbers are 1, 2, 3 … without holes (docs/protocol.md §5), so what is missing can be seen. The
 * window is the range `first … last`. While it is *following*, its end is open: every newer row
 * extends it. When it would grow above its limit, it lets go of the rows that are farthest from the
 * reader; if those are the newest it stops following, and `newer` or `newest` leads back.
 *
 * A row that changes outside the window is not kept; it is read anew when the reader gets there.
 * The one race in that, a change that arrives while an answer with the older state is under way, is
 * why `History` does the loading itself: meanwhile it remembers what passes.
 * @module
 */

import { reportToConsole } from '../lib/clock.js';
import { Emitter } from '../lib/emitter.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../types.js').Row} Row */

/** Rows of one window in memory. */
export const MAX_ROWS = 1_000;
/** Rows asked for at once. */
export const PAGE_ROWS = 50;
/**
 * Changes that are remembered while an answer is under way; with more, the answer has to be asked
 * for again.
 */
export const MAX_PASSED = 1_000;

/**
 * @typedef {Row & {id: number, number: number, seq: number}} NumberedRow
 *
 * @typedef {{before?: number, after?: number, around?: number, limit: number}} Wanted none of the
 *   three: the newest
 *
 * @typedef {object} HistoryChange
 * @property {NumberedRow[]} changed  new to the window, or in a new state
 * @property {number[]} removed  numbers that the window let go of
 * @property {boolean} replaced  the whole window is another one (opened, jumped)
 *
 * @typedef {object} HistoryOptions
 * @property {(wanted: Wanted) => Promise<NumberedRow[]>} load  rows in any order
 * @property {number} [limit]
 * @property {Report} [report]
 *
 * @typedef {object} Load  one request under way
 * @property {Map<number, NumberedRow>} passed  changes that came meanwhile
 * @property {boolean} flooded  more came than are remembered
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
  /** The number that the reader looks at; null: the end. @type {number | null} */
  #anchor = null;
  /** Numbers that the server has no rows for (a retention run took them). @type {Set<number>} */
  #absent = new Set();
  /** @type {Load | null} */
  #underWay = null;
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

  /** The window begins where the history begins. */
  get complete() {
    return this.#complete || this.#first <= 1;
  }

  /** A request is under way. */
  get loading() {
    return this.#underWay !== null;
  }

  /**
   * Ranges inside the window whose rows are not here (yet).
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

  /** Show a snapshot: the newest rows. Whatever was here is dropped. @param {NumberedRow[]} rows */
  open(rows) {
    this.#underWay = null;
    this.#replace(rows, true);
  }

  /** A row of this number exists (`room.last_number`). @param {number} number */
  saw(number) {
    this.#newestNumber = Math.max(this.#newestNumber, number);
  }

  /**
   * Where the reader is; the window lets go of what is farthest from here. null: at the end.
   * @param {number | null} number
   */
  look(number) {
    this.#anchor = number;
  }

  /** Take in rows that changed: events, replies. @param {NumberedRow[]} rows */
  apply(rows) {
    const changed = [];
    for (const row of rows) {
      this.saw(row.number);
      this.#pass(row);
      const open = this.#following && row.number > this.#last;
      if ((open || this.#inside(row.number)) && this.#put(row)) changed.push(row);
    }
    this.#tell(changed, this.#trim(this.#farEnd()));
  }

  /** Load older rows in front of the window. */
  older() {
    if (this.complete || this.#rows.size === 0) return Promise.resolve();
    const before = this.#first;
    return this.#once({ before, limit: PAGE_ROWS }, (rows) => {
      // the window moved on meanwhile, and these would not join it
      if (this.#first !== before) return;
      if (rows.length === 0) this.#complete = true;
      this.#tell(
        rows.filter((row) => this.#put(row)),
        this.#trim('newest'),
      );
    });
  }

  /** Load newer rows behind a window that does not follow. */
  newer() {
    if (this.#following) return Promise.resolve();
    const after = this.#last;
    return this.#once({ after, limit: PAGE_ROWS }, (rows, passed) => {
      if (this.#last !== after) return;
      const changed = rows.filter((row) => this.#put(row));
      const beyond = passed.filter(({ number }) => number > this.#last);
      // All that exists behind the answer has come by meanwhile: the end is open again.
      this.#following = rows.length === 0 || this.#last >= this.#newestNumber - beyond.length;
      if (this.#following) changed.push(...beyond.filter((row) => this.#put(row)));
      this.#tell(changed, this.#trim('oldest'));
    });
  }

  /** Load what is missing inside the window, one page per call. */
  fill() {
    const [hole] = this.holes;
    if (hole === undefined) return Promise.resolve();
    const limit = Math.min(PAGE_ROWS, hole.to - hole.from + 1);
    return this.#once({ after: hole.from - 1, limit }, (rows) => {
      const found = rows.filter((row) => this.#inside(row.number) && this.#put(row));
      for (let number = hole.from; number < hole.from + limit; number += 1) {
        if (!this.#rows.has(number)) this.#absent.add(number);
      }
      this.#tell(found, this.#trim(this.#farEnd()));
    });
  }

  /** Go to a row, wherever it is. @param {number} number */
  async around(number) {
    if (this.#rows.has(number)) return;
    await this.#jump({ around: number, limit: PAGE_ROWS });
  }

  /** Go to the end. */
  async newest() {
    if (!this.#following) await this.#jump({ limit: PAGE_ROWS });
  }

  /** @param {Wanted} wanted */
  #jump(wanted) {
    this.#underWay = null;
    this.#loading = null;
    return this.#once(wanted, (rows, passed) => {
      const last = Math.max(0, ...rows.map((row) => row.number));
      this.#replace(rows, wanted.around === undefined || last >= this.#newestNumber);
      if (this.#following) this.apply(passed);
    });
  }

  /**
   * One request at a time; a jump takes the place of the one under way.
   * @param {Wanted} wanted
   * @param {(rows: NumberedRow[], passed: NumberedRow[]) => void} use
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
   * @param {(rows: NumberedRow[], passed: NumberedRow[]) => void} use
   */
  async #request(wanted, use) {
    /** @type {Load} */
    const load = { passed: new Map(), flooded: false };
    this.#underWay = load;
    try {
      const rows = await this.#load(wanted);
      if (this.#underWay !== load) return; // another window is shown by now
      if (load.flooded) throw new HoldfastError(LOCAL_CODES.TOO_MANY, words.tooMuchChanged);
      for (const row of rows) this.saw(row.number);
      use(
        rows.map((row) => newerOf(row, load.passed.get(row.number))),
        [...load.passed.values()],
      );
    } finally {
      if (this.#underWay === load) this.#underWay = null;
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

  /** @param {NumberedRow} row @returns {boolean}  false: a state at least as new is here */
  #put(row) {
    const known = this.#rows.get(row.number);
    if (known !== undefined && known.seq >= row.seq) return false;
    this.#first = this.#rows.size === 0 ? row.number : Math.min(this.#first, row.number);
    this.#last = Math.max(this.#last, row.number);
    this.#rows.set(row.number, row);
    this.#numbers.set(row.id, row.number);
    return true;
  }

  /**
   * An answer under way may hold an older state of the row, also of one that the window lets go of
   * before it comes.
   * @param {NumberedRow} row
   */
  #pass(row) {
    const load = this.#underWay;
    if (load === null) return;
    if (load.passed.size >= MAX_PASSED && !load.passed.has(row.number)) load.flooded = true;
    else load.passed.set(row.number, newerOf(row, load.passed.get(row.number)));
  }

  /** @param {number} number */
  #inside(number) {
    return this.#rows.size > 0 && number >= this.#first && number <= this.#last;
  }

  #farEnd() {
    if (this.#anchor === null) return 'oldest';
    return this.#anchor - this.#first >= this.#last - this.#anchor ? 'oldest' : 'newest';
  }

  /**
   * Bring the window back to its limit.
   * @param {'oldest' | 'newest'} end
   * @returns {number[]}  the numbers let go of
   */
  #trim(end) {
    const excess = this.#rows.size - this.#limit;
    if (excess <= 0) return [];
    const numbers = [...this.#rows.keys()].sort((a, b) => a - b);
    const removed = end === 'oldest' ? numbers.slice(0, excess) : numbers.slice(-excess);
    for (const number of removed) this.#forget(number);
    if (end === 'oldest') [this.#first, this.#complete] = [numbers[excess], false];
    else [this.#last, this.#following] = [numbers[numbers.length - excess - 1], false];
    return removed;
  }

  /** @param {number} number */
  #forget(number) {
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
  #tell(changed, removed) {
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
