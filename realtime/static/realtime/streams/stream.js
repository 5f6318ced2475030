/**
 * One stream as a client follows it: one integer, the position, and the two rules of
 * docs/protocol.md §3.
 *
 *     event: seq == position + 1 -> apply, position = seq
 *            seq <= position     -> ignore
 *            otherwise           -> pull(after=position)
 *     page:  from <= position    -> apply all, position = max(position, to);
 *                                   pull again while to < head
 *            otherwise           -> pull(after=position)
 *
 * It owns the position, pulls (one at a time), and the decision to load a snapshot (no position
 * yet, `reset`, a new epoch). Its link sends commands, and its handlers give rows their meaning.
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
 * - `loading`: no position; a snapshot is being loaded, or will be
 * - `away`: a position, but no subscription now
 * - `behind`: subscribed; there is more to pull
 * - `level`: subscribed; the server pushes every change
 * - `closed`: ended
 * @typedef {'loading' | 'away' | 'behind' | 'level' | 'closed'} StreamState
 */

/**
 * @typedef {{seq: number} & Record<string, any>} Snapshot
 *
 * @typedef {object} StreamHandlers
 * @property {(events: StreamEvent[]) => void} apply  changed rows in `seq` order, each whole; never
 *   the same change twice
 * @property {() => Promise<Snapshot>} [load]  loads a snapshot: the HTTP answer with its `seq`.
 *   Called without a position, after `reset`, and after a new epoch. Without `load`, the stream is
 *   followed from its present head.
 * @property {(snapshot: any) => void} [replace]  the page's copy of the stream is this snapshot
 *   from now on. Not called for a load that was replaced by another, or after leaving.
 * @property {(state: StreamState) => void} [state]
 * @property {(signal: Signal) => void} [signal]
 * @property {(reason: string) => void} [closed]  `left`, `removed`, `banned`, … or an error's code
 *   (`not_found`, `forbidden`, `too_many`)
 *
 * @typedef {object} StreamLink  The client, as a stream uses it.
 * @property {(stream: Stream, answer: Answer) => void} pull  reads `stream.position` when it
 *   sends
 * @property {(stream: Stream) => void} join  the stream is ready to subscribe
 * @property {Clock} clock
 * @property {Report} report
 */

/** Errors that end the stream for this client. After all others it tries again. */
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
   * The highest event that arrived early during a pull. The answer may not contain it.
   */
  #early = 0;
  /** The load under way; another load, or `drop`, replaces it. @type {symbol | null} */
  #loading = null;
  /** Answers to pulls of an earlier connection are ignored. */
  #generation = 0;
  /** @type {unknown} */
  #retry = null;

  /**
   * @param {string} name
   * @param {StreamHandlers} handlers
   * @param {StreamLink} link
   * @param {number | null} [position]  the `seq` of the snapshot in the page
   */
  constructor(name, handlers, link, position = null) {
    this.name = name;
    this.#handlers = handlers;
    this.#link = link;
    this.#backoff = new Backoff(link.clock.random);
    this.#position = position;
    this.#state = position === null ? 'loading' : 'away';
  }

  /** The `seq` up to which everything is applied. @returns {number | null} */
  get position() {
    return this.#position;
  }

  /** @returns {StreamState} */
  get state() {
    return this.#state;
  }

  /**
   * Load a missing snapshot. Needs no connection: HTTP may work while WebSockets are blocked.
   */
  begin() {
    if (this.#state === 'loading' && this.#handlers.load) this.#load(this.#handlers.load);
  }

  /** The connection is open: subscribe, after loading a missing snapshot. */
  connected() {
    if (this.#isClosed()) return;
    this.#backoff.reset();
    this.#cancelRetry();
    if (this.#position === null && this.#handlers.load) this.begin();
    else this.#link.join(this);
  }

  /** The connection is gone. The position stays, and a load continues. */
  disconnected() {
    if (this.#isClosed()) return;
    this.#generation += 1;
    this.#pulling = false;
    if (this.#position === null) return;
    this.#cancelRetry();
    this.#setState('away');
  }

  /**
   * Drop the position, after `reset` or a new epoch. `connected` or `begin` continue.
   */
  drop() {
    if (this.#isClosed()) return;
    this.#cancelAll();
    this.#position = null;
    this.#setState('loading');
  }

  /** The subscription was answered. @param {Page} page */
  subscribed(page) {
    if (this.#isClosed()) return;
    // The position was dropped meanwhile: the stream subscribes again after its snapshot.
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
    else this.#retryLater(error, () => this.#link.join(this));
  }

  /** @param {StreamEvent} event */
  event(event) {
    if (!this.#listening()) return;
    const position = /** @type {number} */ (this.#position);
    if (!isEvent(event)) this.#pull();
    else if (event.seq > position + 1) this.#gapFound(event.seq);
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
    this.#setState('behind');
    this.#pull();
  }

  /** @param {Signal} signal */
  signal(signal) {
    if (this.#listening()) this.#guarded(() => this.#handlers.signal?.(signal), 'a signal');
  }

  /** The subscription is over. @param {string} reason */
  close(reason) {
    if (this.#isClosed()) return;
    this.#cancelAll();
    this.#setState('closed');
    this.#guarded(() => this.#handlers.closed?.(reason), 'the end');
  }

  /** Stop without calling the handlers: the page no longer needs the stream. */
  leave() {
    this.#cancelAll();
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
      // The handler left the stream.
      if (this.#isClosed()) return;
      this.#setState('away');
      this.#link.join(this);
    } catch (thrown) {
      if (this.#loading !== mine) return;
      this.#loading = null;
      const error = asHoldfastError(thrown);
      if (FINAL_CODES.has(error.code)) this.close(error.code);
      else this.#retryLater(error, () => this.#load(load));
    }
  }

  #reset() {
    this.drop();
    const again = () => (this.#handlers.load ? this.begin() : this.#link.join(this));
    // A snapshot that is refused at once, as by a lagging replica, must not become a request storm:
    // the second reset in a row waits.
    if (this.#backoff.failures > 0) return this.#retryLater(null, again);
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
    // Events at or below the position were applied already, in this or a later form.
    const fresh = page.events.filter((event) => event.seq > before);
    if (fresh.length > 0) this.#apply(fresh);
    // The handler left the stream.
    if (this.#isClosed()) return 'level';
    const level = page.to >= page.head;
    if (level || page.to > before) this.#backoff.reset();
    this.#setState(level ? 'level' : 'behind');
    if (level) return 'level';
    return page.to > before ? 'progress' : 'nothing';
  }

  /** An event arrived that is not the next one. @param {number} seq */
  #gapFound(seq) {
    if (this.#pulling) this.#early = Math.max(this.#early, seq);
    else this.#pull();
  }

  #pull() {
    // Pushed frames must not shorten the wait of a retry: that would be a request storm.
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
    if (result === 'nothing') this.#retryLater(null, () => this.#pull());
    else if (result === 'progress' || /** @type {number} */ (this.#position) < early) this.#pull();
  }

  /** @param {HoldfastError} error */
  #pullFailed(error) {
    this.#pulling = false;
    if (error.code === 'reset' || error.code === 'not_subscribed' || FINAL_CODES.has(error.code))
      this.refused(error);
    else this.#retryLater(error, () => this.#pull());
  }

  /**
   * @param {HoldfastError | null} error
   * @param {() => void} callback
   */
  #retryLater(error, callback) {
    this.#cancelRetry();
    const ms = Math.max(this.#backoff.next(), (error?.retryAfter ?? 0) * 1000);
    this.#retry = this.#link.clock.setTimeout(() => {
      this.#retry = null;
      callback();
    }, ms);
  }

  #cancelAll() {
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
    // The position advances even if the handler fails: one bad row must not block those behind it.
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
  #setState(state) {
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
