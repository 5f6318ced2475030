/**
 * One stream as a client follows it: one integer, the position, and the two rules of
 * docs/protocol.md §3.
 *
 *     event: seq == position + 1 -> apply, position = seq | seq <= position -> ignore | else ->
 *     pull(after=position)
 *     page: from <= position -> apply all, position = max(position, to), pull again while to < head
 *     | else -> pull(after=position)
 *
 * It owns the position, when to pull (never twice at once) and when a snapshot is needed (no
 * position yet, `reset`, a new epoch). It leaves sending to its link, and what the rows mean to
 * `apply`.
 * @module
 */

import { Backoff } from '../connection/backoff.js';
import { asHoldfastError, HoldfastError, LOCAL_CODES } from '../lib/errors.js';

/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').Page} Page */
/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../types.js').Signal} Signal */
/** @typedef {import('../types.js').StreamEvent} StreamEvent */

/**
 * - `loading`: no position; a snapshot is being fetched, or will be
 * - `away`: there is a position, and no subscription right now
 * - `behind`: subscribed; there is more to pull
 * - `level`: every change arrives by itself
 * - `closed`: over; `reason` says why
 * @typedef {'loading' | 'away' | 'behind' | 'level' | 'closed'} StreamState
 */

/**
 * @typedef {{seq: number} & Record<string, any>} Snapshot
 *
 * @typedef {object} StreamHandlers
 * @property {(events: StreamEvent[]) => void} apply changed rows in `seq` order, each whole; never
 *   the same change twice
 * @property {() => Promise<Snapshot>} [load] fetches a snapshot: an HTTP answer as it is, because
 *   it has its `seq`. Called when there
 *   is no position, after `reset`, and after a new epoch. Without it, the stream is followed from
 *   its present head.
 * @property {(snapshot: any) => void} [replace] the page's copy of the stream is this snapshot from
 *   now on. (A load that was overtaken
 *   by another, or by leaving, never gets here.)
 * @property {(state: StreamState) => void} [state]
 * @property {(signal: Signal) => void} [signal]
 * @property {(reason: string) => void} [closed] `left`, `removed`, `banned`, … or an error's code
 *   (`not_found`, `forbidden`, `too_many`)
 *
 * @typedef {object} StreamLink  What a stream needs of its surroundings.
 * @property {(stream: Stream, answer: Answer) => void} pull reads `stream.position` at the moment
 *   of sending
 * @property {(stream: Stream) => void} join  the stream is ready to be subscribed
 * @property {Clock} clock
 * @property {Report} report
 */

/**
 * Errors after which the stream is over for this client. All others of a server are tried again.
 */
const FINAL_CODES = new Set([
  'not_found',
  'forbidden',
  'too_many',
  'bad_request',
  'unknown_command',
]);

export class Stream {
  /** @readonly @type {string} */
  name;
  #handlers;
  #link;
  #backoff;
  /** @type {number | null} */
  #position;
  /** @type {StreamState} */
  #state;
  #pulling = false;
  /**
   * The highest event that came too early while a pull was under way: its answer may be from before
   * it.
   */
  #early = 0;
  /** The load under way; another one, or `drop`, takes its place. @type {symbol | null} */
  #loading = null;
  /** Answers to pulls from before a cut are not ours any more. */
  #generation = 0;
  /** @type {unknown} */
  #retry = null;

  /**
   * @param {string} name
   * @param {StreamHandlers} handlers
   * @param {StreamLink} link
   * @param {number | null} [position]  the `seq` of the snapshot that the page shows already
   */
  constructor(name, handlers, link, position = null) {
    this.name = name;
    this.#handlers = handlers;
    this.#link = link;
    this.#backoff = new Backoff(link.clock.random);
    this.#position = position;
    this.#state = position === null ? 'loading' : 'away';
  }

  /** What has been applied, in one integer. @returns {number | null} */
  get position() {
    return this.#position;
  }

  /** @returns {StreamState} */
  get state() {
    return this.#state;
  }

  /**
   * Load the snapshot that is missing. Needs no connection: a page may read over HTTP while
   * WebSockets are blocked.
   */
  begin() {
    if (this.#state === 'loading' && this.#handlers.load) this.#load(this.#handlers.load);
  }

  /** There is a connection: ask to be subscribed, or load the snapshot that is missing first. */
  connected() {
    if (this.#isClosed()) return;
    this.#backoff.reset();
    this.#cancelRetry();
    if (this.#position === null && this.#handlers.load) this.begin();
    else this.#link.join(this);
  }

  /** The connection is gone. The position stays, and a load goes on. */
  cut() {
    if (this.#isClosed()) return;
    this.#generation += 1;
    this.#pulling = false;
    if (this.#position === null) return;
    this.#cancelRetry();
    this.#enter('away');
  }

  /**
   * Drop the position: after `reset`, and when the history is another one (`epoch`). `connected` or
   * `begin` goes on.
   */
  drop() {
    if (this.#isClosed()) return;
    this.#forget();
    this.#position = null;
    this.#enter('loading');
  }

  /** The subscription was answered. @param {Page} page */
  subscribed(page) {
    if (this.#isClosed()) return;
    // The position was dropped while the answer was on its way: the snapshot asks anew.
    if (this.#position === null && this.#handlers.load) return;
    if (!isPage(page)) return this.refused(unreadable());
    this.#cancelRetry();
    this.#position ??= page.to;
    this.page(page);
  }

  /** The subscription or a pull was refused. @param {HoldfastError} error */
  refused(error) {
    if (this.#isClosed()) return;
    if (error.code === 'reset') this.#reset();
    else if (FINAL_CODES.has(error.code)) this.close(error.code);
    else this.#later(error, () => this.#link.join(this));
  }

  /** @param {StreamEvent} event */
  event(event) {
    if (!this.#listening()) return;
    const position = /** @type {number} */ (this.#position);
    if (!isEvent(event)) this.#pull();
    else if (event.seq > position + 1) this.#missed(event.seq);
    else if (event.seq === position + 1) {
      this.#position = event.seq;
      this.#apply([event]);
    }
  }

  /** A page that was pushed. @param {Page} page */
  page(page) {
    if (this.#isClosed() || this.#position === null) return;
    if (!isPage(page) || this.#absorb(page) !== 'level') this.#pull();
  }

  /** The server stopped pushing. */
  behind() {
    if (!this.#listening()) return;
    this.#enter('behind');
    this.#pull();
  }

  /** @param {Signal} signal */
  signal(signal) {
    if (this.#listening()) this.#guarded(() => this.#handlers.signal?.(signal), 'a signal');
  }

  /** The subscription is over. @param {string} reason */
  close(reason) {
    if (this.#isClosed()) return;
    this.#forget();
    this.#enter('closed');
    this.#guarded(() => this.#handlers.closed?.(reason), 'the end');
  }

  /** Stop without a word to the handlers: the page does not want the stream any more. */
  leave() {
    this.#forget();
    this.#state = 'closed';
  }

  /** @param {() => Promise<Snapshot>} load */
  async #load(load) {
    if (this.#loading !== null) return;
    this.#cancelRetry();
    const mine = Symbol(this.name);
    this.#loading = mine;
    try {
      const snapshot = await load();
      if (this.#loading !== mine) return;
      if (!Number.isSafeInteger(snapshot?.seq))
        throw new HoldfastError(
          LOCAL_CODES.UNREADABLE,
          `expected a snapshot with a seq, got ${snapshot?.seq}`,
        );
      this.#loading = null;
      this.#position = snapshot.seq;
      this.#guarded(() => this.#handlers.replace?.(snapshot), 'a snapshot');
      if (this.#isClosed()) return; // the page left while it took the snapshot in
      this.#enter('away');
      this.#link.join(this);
    } catch (thrown) {
      if (this.#loading !== mine) return;
      this.#loading = null;
      const error = asHoldfastError(thrown);
      if (FINAL_CODES.has(error.code)) this.close(error.code);
      else this.#later(error, () => this.#load(load));
    }
  }

  #reset() {
    this.drop();
    const again = () => (this.#handlers.load ? this.begin() : this.#link.join(this));
    // A snapshot that is refused at once (a lagging replica) must not become a storm: the second
    // reset in a row waits.
    if (this.#backoff.failures > 0) return this.#later(null, again);
    this.#backoff.next();
    again();
  }

  /**
   * @param {Page} page
   * @returns {'level' | 'progress' | 'nothing'}
   */
  #absorb(page) {
    const before = /** @type {number} */ (this.#position);
    if (page.from > before) return 'nothing';
    this.#position = Math.max(before, page.to);
    // What lies at or below the position was applied already, in this or a later form.
    const fresh = page.events.filter((event) => event.seq > before);
    if (fresh.length > 0) this.#apply(fresh);
    if (this.#isClosed()) return 'level'; // the page left while it applied
    const level = page.to >= page.head;
    if (level || page.to > before) this.#backoff.reset();
    this.#enter(level ? 'level' : 'behind');
    if (level) return 'level';
    return page.to > before ? 'progress' : 'nothing';
  }

  /** An event came that is not the next one. @param {number} seq */
  #missed(seq) {
    if (this.#pulling) this.#early = Math.max(this.#early, seq);
    else this.#pull();
  }

  #pull() {
    // While a retry waits, nothing that the server pushes makes it come sooner: that would be a
    // storm.
    if (this.#pulling || this.#retry !== null) return;
    this.#pulling = true;
    const generation = this.#generation;
    this.#link.pull(this, {
      done: (page) => generation === this.#generation && this.#pulled(page),
      failed: (error) => generation === this.#generation && this.#pullFailed(error),
    });
  }

  /** @param {Page} page */
  #pulled(page) {
    const early = this.#early;
    this.#pulling = false;
    this.#early = 0;
    if (!isPage(page)) return this.#pullFailed(unreadable());
    const result = this.#absorb(page);
    if (result === 'nothing') this.#later(null, () => this.#pull());
    else if (result === 'progress' || /** @type {number} */ (this.#position) < early) this.#pull();
  }

  /** @param {HoldfastError} error */
  #pullFailed(error) {
    this.#pulling = false;
    if (error.code === 'reset' || error.code === 'not_subscribed' || FINAL_CODES.has(error.code))
      this.refused(error);
    else this.#later(error, () => this.#pull());
  }

  /**
   * @param {HoldfastError | null} error
   * @param {() => void} callback
   */
  #later(error, callback) {
    this.#cancelRetry();
    const ms = Math.max(this.#backoff.next(), (error?.retryAfter ?? 0) * 1000);
    this.#retry = this.#link.clock.setTimeout(() => {
      this.#retry = null;
      callback();
    }, ms);
  }

  #forget() {
    this.#generation += 1;
    this.#pulling = false;
    this.#early = 0;
    this.#loading = null;
    this.#cancelRetry();
  }

  #cancelRetry() {
    if (this.#retry === null) return;
    this.#link.clock.clearTimeout(this.#retry);
    this.#retry = null;
  }

  #isClosed() {
    return this.#state === 'closed';
  }

  #listening() {
    return this.#position !== null && (this.#state === 'level' || this.#state === 'behind');
  }

  /** @param {StreamEvent[]} events */
  #apply(events) {
    // The position is advanced all the same: one row that cannot be shown must not stop all that
    // follow.
    this.#guarded(() => this.#handlers.apply(events), 'events');
  }

  /**
   * @param {() => void} handler
   * @param {string} what
   */
  #guarded(handler, what) {
    try {
      handler();
    } catch (error) {
      this.#link.report(error, `the page's handling of ${what} of "${this.name}"`);
    }
  }

  /** @param {StreamState} state */
  #enter(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.#guarded(() => this.#handlers.state?.(state), 'a new state');
  }
}

function unreadable() {
  return new HoldfastError(LOCAL_CODES.UNREADABLE, 'expected a page, got something else');
}

/** @param {unknown} value */
function isEvent(value) {
  const event = /** @type {StreamEvent} */ (value);
  return (
    typeof event === 'object' &&
    event !== null &&
    Number.isSafeInteger(event.seq) &&
    typeof event.kind === 'string' &&
    typeof event.data === 'object'
  );
}

/** @param {unknown} value */
function isPage(value) {
  const page = /** @type {Page} */ (value);
  if (typeof page !== 'object' || page === null) return false;
  return (
    [page.from, page.to, page.head].every(Number.isSafeInteger) &&
    Array.isArray(page.events) &&
    page.events.every(isEvent)
  );
}
