/**
 * What was written is sent once and in order: offline, before a reload, from several tabs.
 *
 * An entry is a command with a key of its own. It is stored before it is sent and removed after its `ok`; until then the same key is
 * sent again, so a lost answer, a reload in the middle of it and two tabs that send at once all end in one message (docs/protocol.md §4).
 * Entries of one lane (a room) go one after the other; lanes do not wait for each other. Only commands that are idempotent by `key` belong here.
 *
 * Tabs share the stored entries. A Web Lock lets one of them send at a time; without it only the keys keep double sends harmless.
 * @module
 */

import { Backoff } from './backoff.js';
import { realClock, reportToConsole } from './clock.js';
import { Emitter } from './emitter.js';
import { HoldfastError, LOCAL_CODES, asHoldfastError } from './errors.js';
import { openRows } from './idb.js';
import { verdict } from './refusals.js';
import { takeTurn } from './turns.js';
import { uuid } from './uuid.js';

/** @typedef {import('./types.js').Clock} Clock */
/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./idb.js').Rows} Rows */
/** @typedef {import('./turns.js').Locks} Locks */

/** Entries of one user that are not sent yet. A person who wrote more than this offline has another problem. */
export const MAX_ENTRIES = 500;
/** Lanes with a command under way: far below what a server allows per second. */
export const MAX_LANES_IN_FLIGHT = 8;

/**
 * - `queued`: waits for its turn, for the connection, or until `retryAt` (then `error` says why)
 * - `sending`: a command is under way, here or in another tab
 * - `sent`: has its `ok`; `result` is the reply's data, where this browser saw it. Not in `entries` any more
 * - `failed`: refused for good; `retry` or `discard` it
 * - `discarded`: thrown away by the person. Not in `entries` any more
 * @typedef {'queued' | 'sending' | 'sent' | 'failed' | 'discarded'} EntryState
 */

/**
 * @typedef {object} Entry
 * @property {string} key  UUID
 * @property {number} owner  the id of the user who wrote it
 * @property {string} lane  what keeps its order, e.g. `room.42`
 * @property {string} command  e.g. `message.post`
 * @property {Record<string, any>} fields  without `key`
 * @property {number} createdAt  milliseconds since 1970
 * @property {number | null} order  null until it is stored
 * @property {EntryState} state
 * @property {{code: string, message: string, retryAfter: number | null} | null} error
 * @property {number} retryAt  0, or milliseconds since 1970
 * @property {any} result
 *
 * @typedef {(command: string, fields: Record<string, any>) => Promise<any>} Send
 *
 * @typedef {object} Channel  the part of BroadcastChannel that is needed
 * @property {(value: any) => void} postMessage
 * @property {((message: {data: any}) => void) | null} onmessage
 * @property {() => void} close
 *
 * @typedef {object} OutboxOptions
 * @property {number} owner  the id of the signed-in user: nobody else's entries are sent
 * @property {IDBFactory | null} [indexedDB]
 * @property {Locks | null} [locks]
 * @property {Channel | null} [channel]
 * @property {Clock} [clock]
 * @property {Report} [report]
 */

export class Outbox {
  /** @readonly @type {number} */
  owner;
  #rows;
  #locks;
  #channel;
  #clock;
  #report;
  #backoff;
  /** @type {Emitter<{change: Entry}>} */
  #emitter;
  /** By key, in the order of writing. @type {Map<string, Entry>} */
  #entries = new Map();
  /** Could not be stored: only this page knows them. @type {Set<string>} */
  #unstored = new Set();
  /** Written in another tab, which sends them: without locks, all tabs would. @type {Set<string>} */
  #foreign = new Set();
  /** Keys under way from this tab. @type {Set<string>} */
  #flying = new Set();
  /** @type {Set<string>} */
  #lanes = new Set();
  /** @type {Send | null} */
  #send = null;
  /** Whether this tab may send: it has the lock, waits for it, or neither. @type {'no' | 'waiting' | 'yes'} */
  #turn = 'no';
  /** @type {() => void} */
  #endTurn = () => {};
  #pausedUntil = 0;
  /** @type {unknown} */
  #timer = null;

  /**
   * Open the owner's outbox and read what an earlier page left in it.
   * @param {OutboxOptions} options
   * @returns {Promise<Outbox>}
   */
  static async open(options) {
    const report = options.report ?? reportToConsole;
    const rows = await openRows({ indexedDB: options.indexedDB, report });
    const outbox = new Outbox(options, rows);
    await outbox.#refresh();
    return outbox;
  }

  /**
   * Use `Outbox.open`.
   * @param {OutboxOptions} options
   * @param {Rows} rows
   */
  constructor({ owner, locks, channel, clock = realClock, report = reportToConsole }, rows) {
    this.owner = owner;
    this.#rows = rows;
    this.#locks = locks === undefined ? (globalThis.navigator?.locks ?? null) : locks;
    this.#channel = channel === undefined ? openChannel(owner) : channel;
    this.#clock = clock;
    this.#report = report;
    this.#backoff = new Backoff(clock.random);
    this.#emitter = new Emitter(report);
    if (this.#channel) this.#channel.onmessage = (message) => this.#hear(message.data);
  }

  /** False: this browser keeps nothing, and a reload loses what is not sent. */
  get durable() {
    return this.#rows.durable && this.#unstored.size === 0;
  }

  /** What is not sent yet, in the order of writing. @returns {Entry[]} */
  get entries() {
    return [...this.#entries.values()].sort((a, b) => (a.order ?? Infinity) - (b.order ?? Infinity));
  }

  /** @param {string} lane */
  in(lane) {
    return this.entries.filter((entry) => entry.lane === lane);
  }

  /**
   * `change` brings the entry in its new state, also when another tab changed it.
   * @param {'change'} name
   * @param {(entry: Entry) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Put a command in. It is stored first and sent as soon as it can be.
   * @param {{command: string, lane: string, fields: Record<string, any>, key?: string}} what
   * @returns {Entry}
   * @throws {HoldfastError} `too_many`: the outbox is full
   */
  add({ command, lane, fields, key = uuid() }) {
    if (this.#entries.size >= MAX_ENTRIES) {
      throw new HoldfastError(LOCAL_CODES.TOO_MANY, `${MAX_ENTRIES} messages wait to be sent already. Wait until they are sent, or discard some.`);
    }
    /** @type {Entry} */
    const entry = {
      key, owner: this.owner, lane, command, fields, createdAt: this.#clock.now(), order: null, state: 'queued', error: null, retryAt: 0, result: null,
    };
    this.#entries.set(key, entry);
    this.#emitter.emit('change', entry);
    void this.#store(entry);
    return entry;
  }

  /** Send a failed entry again, with the same key. @param {string} key */
  retry(key) {
    const entry = this.#entries.get(key);
    if (entry?.state !== 'failed') return;
    this.#change(entry, { state: 'queued', error: null, retryAt: 0 });
    void this.#keep(entry);
    this.#pump();
  }

  /** Throw an entry away. @param {string} key @returns {boolean}  false: it is under way, or gone */
  discard(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'sending') return false;
    this.#entries.delete(key);
    this.#change(entry, { state: 'discarded' });
    void this.#remove(entry);
    return true;
  }

  /** Throw everything away, e.g. at sign-out on a shared computer. */
  clear() {
    for (const entry of this.entries) this.discard(entry.key);
  }

  /** There is a connection: send. @param {Send} send */
  resume(send) {
    this.#send = send;
    this.#pausedUntil = 0;
    this.#backoff.reset();
    this.#pump();
  }

  /** There is none. */
  pause() {
    this.#send = null;
  }

  /** The page is done with it. What is stored stays. */
  close() {
    this.pause();
    this.#clock.clearTimeout(this.#timer);
    this.#channel?.close();
    this.#rows.close();
  }

  /** @param {Entry} entry */
  async #store(entry) {
    const { order: _, result: __, ...row } = entry;
    try {
      entry.order = await this.#rows.add(row);
    } catch (error) {
      this.#report(error, 'an entry of the outbox is kept in memory only');
      this.#unstored.add(entry.key);
      entry.order = Math.max(0, ...[...this.#entries.values()].map((other) => other.order ?? 0)) + 0.001;
    }
    if (!this.#entries.has(entry.key)) return void this.#remove(entry); // discarded meanwhile
    this.#tell(entry);
    this.#pump();
  }

  /** Store the entry's new state. @param {Entry} entry */
  async #keep(entry) {
    if (entry.order === null || this.#unstored.has(entry.key)) return;
    const { result: _, ...row } = entry;
    await this.#rows.put(row).catch((error) => this.#report(error, 'an entry of the outbox keeps its older state'));
  }

  /** @param {Entry} entry */
  async #remove(entry) {
    if (this.#unstored.delete(entry.key) || entry.order === null) return;
    // If this fails, the next page sends it again with the same key, and is answered with the first message.
    await this.#rows.delete(entry.order).catch((error) => this.#report(error, 'an entry of the outbox could not be removed'));
  }

  /** Send what can be sent: at once when it is this tab's turn, else after its turn has come. */
  #pump() {
    if (this.#send === null || this.#entries.size === 0) return;
    if (this.#turn === 'yes') this.#startLanes();
    else if (this.#turn === 'no') void this.#takeTurn();
  }

  async #takeTurn() {
    this.#turn = 'waiting';
    const turn = async () => {
      // What another tab sent while this one waited is gone from the stored rows.
      await this.#refresh();
      await new Promise((resolve) => {
        this.#endTurn = () => resolve(undefined);
        this.#turn = 'yes';
        this.#startLanes();
      });
    };
    await takeTurn(this.#locks, `holdfast-outbox-${this.owner}`, this.#clock, turn).catch((error) => this.#report(error, 'sending from the outbox'));
    this.#turn = 'no';
    // What came while the turn ended found none to join; what has to wait is woken by the timer.
    if (this.#sendable().length > 0) this.#pump();
    else this.#setTimer();
  }

  #startLanes() {
    for (const lane of this.#sendable()) {
      if (this.#lanes.size >= MAX_LANES_IN_FLIGHT) break;
      this.#lanes.add(lane);
      void this.#sendLane(lane);
    }
    if (this.#lanes.size === 0) {
      this.#turn = 'waiting';
      this.#endTurn();
    }
  }

  /** Lanes whose next entry may be sent now and that have none under way. */
  #sendable() {
    if (this.#send === null || this.#pausedUntil > this.#clock.now()) return [];
    return [...this.#nextEntries()].filter(([lane, entry]) => !this.#lanes.has(lane) && entry.retryAt <= this.#clock.now()).map(([lane]) => lane);
  }

  /** The first entry of each lane that is not failed. @returns {Map<string, Entry>} */
  #nextEntries() {
    /** @type {Map<string, Entry>} */
    const next = new Map();
    for (const entry of this.entries) {
      if (entry.order !== null && entry.state !== 'failed' && !this.#foreign.has(entry.key) && !next.has(entry.lane)) next.set(entry.lane, entry);
    }
    return next;
  }

  /** @param {string} lane */
  async #sendLane(lane) {
    for (;;) {
      const entry = this.#nextEntries().get(lane);
      const now = this.#clock.now();
      if (this.#send === null || entry === undefined || entry.retryAt > now || this.#pausedUntil > now) break;
      await this.#sendEntry(this.#send, entry);
    }
    this.#lanes.delete(lane);
    this.#startLanes();
  }

  /**
   * @param {Send} send
   * @param {Entry} entry
   */
  async #sendEntry(send, entry) {
    this.#flying.add(entry.key);
    this.#change(entry, { state: 'sending', error: null, retryAt: 0 });
    try {
      const result = await send(entry.command, { ...entry.fields, key: entry.key });
      this.#backoff.reset();
      this.#entries.delete(entry.key);
      this.#change(entry, { state: 'sent', result });
      await this.#remove(entry);
    } catch (thrown) {
      await this.#refused(entry, asHoldfastError(thrown));
    } finally {
      this.#flying.delete(entry.key);
    }
  }

  /**
   * @param {Entry} entry
   * @param {HoldfastError} error
   */
  async #refused(entry, error) {
    const wanted = verdict(error);
    const told = { code: error.code, message: error.message, retryAfter: error.retryAfter };
    if (wanted === 'fail') {
      this.#change(entry, { state: 'failed', error: told });
      await this.#keep(entry);
      return;
    }
    const retryAt = this.#clock.now() + Math.max((error.retryAfter ?? 0) * 1000, this.#backoff.next());
    if (wanted !== 'wait') this.#pausedUntil = retryAt;
    this.#change(entry, { state: 'queued', error: wanted === 'again' ? null : told, retryAt: wanted === 'again' ? 0 : retryAt });
  }

  /** Come back when the first wait is over. */
  #setTimer() {
    this.#clock.clearTimeout(this.#timer);
    const times = [...this.#nextEntries().values()].map((entry) => Math.max(entry.retryAt, this.#pausedUntil));
    const first = Math.min(...times);
    if (this.#send === null || !Number.isFinite(first)) return;
    this.#timer = this.#clock.setTimeout(() => this.#pump(), Math.max(0, first - this.#clock.now()));
  }

  /** Make memory agree with what is stored: another tab may have added, sent, failed or discarded entries. */
  async #refresh() {
    const before = [...this.#entries.values()].filter((entry) => entry.order !== null && !this.#unstored.has(entry.key));
    /** @type {Entry[]} */
    let stored;
    try {
      stored = await this.#rows.all(this.owner);
    } catch (error) {
      this.#report(error, 'the outbox could not be read');
      return;
    }
    const keys = new Set(stored.map((row) => row.key));
    for (const entry of before) {
      if (keys.has(entry.key) || this.#flying.has(entry.key) || !this.#entries.delete(entry.key)) continue;
      Object.assign(entry, { state: 'sent', error: null });
      this.#emitter.emit('change', entry);
    }
    for (const row of stored) {
      // A tab writes down only `queued` and `failed`. `sending` of a tab that died with the lock is `queued` again.
      const state = row.state === 'failed' ? 'failed' : 'queued';
      if (this.#entries.get(row.key)?.state !== state) this.#adopt({ ...row, state, result: null });
    }
  }

  /** Take over what another tab, or an earlier page, says about an entry. @param {Entry} told */
  #adopt(told) {
    const known = this.#entries.get(told.key);
    if (this.#flying.has(told.key) || (known === undefined && this.#entries.size >= MAX_ENTRIES)) return;
    const entry = Object.assign(known ?? {}, told);
    if (told.state === 'sent' || told.state === 'discarded') this.#entries.delete(told.key);
    else this.#entries.set(told.key, entry);
    this.#emitter.emit('change', entry);
  }

  /** @param {any} told */
  #hear(told) {
    if (told?.owner !== this.owner || typeof told.key !== 'string') return;
    if (this.#locks === null && !this.#entries.has(told.key)) this.#foreign.add(told.key);
    this.#adopt(told);
    if (!this.#entries.has(told.key)) this.#foreign.delete(told.key);
    // Should the other tab die before it has sent, the lock and the entry come to this one.
    this.#pump();
  }

  /**
   * @param {Entry} entry
   * @param {Partial<Entry>} news
   */
  #change(entry, news) {
    Object.assign(entry, news);
    this.#emitter.emit('change', entry);
    this.#tell(entry);
  }

  /** @param {Entry} entry */
  #tell(entry) {
    if (!this.#unstored.has(entry.key)) this.#channel?.postMessage({ ...entry });
  }
}

/** @param {number} owner @returns {Channel | null} */
function openChannel(owner) {
  if (typeof BroadcastChannel === 'undefined') return null;
  return /** @type {Channel} */ (/** @type {unknown} */ (new BroadcastChannel(`holdfast-outbox-${owner}`)));
}
