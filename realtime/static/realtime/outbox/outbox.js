/**
 * What was written is sent once and in order: offline, before a reload, from several tabs.
 *
 * An entry is a command with a key of its own. It is stored before it is sent and removed after its
 * `ok`; until then the same key is sent again, so a lost answer, a reload in the middle of it and
 * two tabs that send at once all end in one message (docs/protocol.md §4). Entries of one lane (a
 * room) go one after the other; lanes do not wait for each other. Only commands that are idempotent
 * by `key` belong here.
 *
 * Tabs share the stored entries. A Web Lock lets one of them send at a time; without it only the
 * keys keep double sends harmless.
 * @module
 */

import { Backoff } from '../connection/backoff.js';
import { realClock, reportToConsole } from '../lib/clock.js';
import { asHoldfastError, HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { uuid } from '../lib/uuid.js';
import { words } from '../lib/words.js';
import { openChannel, takeTurn } from '../tabs/tabs.js';
import { Entries } from './entries.js';
import { OpeningRows, openRows } from './idb.js';
import { verdict } from './retry_policy.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').Entry} Entry */
/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../tabs/tabs.js').Channel} Channel */
/** @typedef {import('../tabs/tabs.js').Locks} Locks */

/**
 * Entries of one user that are not sent yet. A person who wrote more than this offline has another
 * problem.
 */
export const MAX_ENTRIES = 500;
/** Lanes with a command under way: far below what a server allows per second. */
export const MAX_LANES_IN_FLIGHT = 8;

/**
 * @typedef {(command: string, fields: Record<string, any>) => Promise<any>} Send
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
  #entries;
  #locks;
  #clock;
  #report;
  #backoff;
  /** Lanes with a command under way from this tab. @type {Set<string>} */
  #lanes = new Set();
  /** @type {Send | null} */
  #send = null;
  /**
   * Whether this tab may send: it has the lock, waits for it (or gives it back), or neither.
   * @type {'no' | 'waiting' | 'yes'}
   */
  #turn = 'no';
  /** @type {() => void} */
  #endTurn = () => {};
  #pausedUntil = 0;
  /** @type {unknown} */
  #timer = null;

  /**
   * The owner's outbox. It may be used at once; what an earlier page left in it is there when it is
   * `ready`, and is sent first.
   * @param {OutboxOptions} options
   */
  constructor({ owner, indexedDB, locks, channel, clock = realClock, report = reportToConsole }) {
    this.owner = owner;
    this.#locks = locks === undefined ? (globalThis.navigator?.locks ?? null) : locks;
    this.#clock = clock;
    this.#report = report;
    this.#backoff = new Backoff(clock.random);
    this.#entries = new Entries({
      owner,
      limit: MAX_ENTRIES,
      rows: new OpeningRows(openRows({ indexedDB, report })),
      channel: channel === undefined ? openChannel(nameFor(owner)) : channel,
      shared: this.#locks !== null,
      // Should the tab that wrote an entry die before it has sent it, the lock and the entry come
      // to this one.
      heard: () => this.#pump(),
      report,
    });
    /** @type {Promise<void>} */
    this.ready = this.#entries.refresh().then(() => this.#pump());
  }

  /** False: this browser keeps nothing, and a reload loses what is not sent. */
  get durable() {
    return this.#entries.durable;
  }

  /** What is not sent yet, in the order of writing. @returns {Entry[]} */
  get entries() {
    return this.#entries.all;
  }

  /** @param {string} lane */
  in(lane) {
    return this.entries.filter((entry) => entry.lane === lane);
  }

  /**
   * `change` brings the entry in its new state, also when another tab changed it.
   * @param {'change'} _name
   * @param {(entry: Entry) => void} listener
   * @returns {() => void}  takes the listener away again
   */
  on(_name, listener) {
    return this.#entries.onChange(listener);
  }

  /**
   * Put a command in. It is stored first and sent as soon as it can be.
   * @param {{command: string, lane: string, fields: Record<string, any>, key?: string}} what
   * @returns {Entry}
   * @throws {HoldfastError} `too_many`: the outbox is full
   */
  add({ command, lane, fields, key = uuid() }) {
    if (this.#entries.size >= MAX_ENTRIES) {
      throw new HoldfastError(LOCAL_CODES.TOO_MANY, words.outboxFull(MAX_ENTRIES));
    }
    /** @type {Entry} */
    const entry = {
      ...{
        key,
        owner: this.owner,
        lane,
        command,
        fields,
        createdAt: this.#clock.now(),
        order: null,
      },
      ...{ state: 'queued', error: null, retryAt: 0, result: null },
    };
    void this.#entries.add(entry).then(() => this.#pump());
    return entry;
  }

  /** Send a failed entry again, with the same key. @param {string} key */
  retry(key) {
    const entry = this.#entries.get(key);
    if (entry?.state !== 'failed') return;
    this.#entries.change(entry, { state: 'queued', error: null, retryAt: 0 });
    void this.#entries.save(entry);
    this.#pump();
  }

  /**
   * Throw an entry away.
   * @param {string} key
   * @returns {boolean}  false: it is under way, or gone
   */
  discard(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'sending') return false;
    void this.#entries.finish(entry, { state: 'discarded' });
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
    this.#entries.close();
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
      // What another tab sent while this one waited is gone from the stored entries.
      await this.#entries.refresh();
      await new Promise((resolve) => {
        this.#endTurn = () => resolve(undefined);
        this.#turn = 'yes';
        this.#startLanes();
      });
    };
    await takeTurn(this.#locks, nameFor(this.owner), this.#clock, turn).catch((error) =>
      this.#report(error, 'sending from the outbox'),
    );
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
    const lanes = [...this.#nextEntries()].filter(
      ([lane, entry]) => !this.#lanes.has(lane) && this.#isDue(entry),
    );
    return lanes.map(([lane]) => lane);
  }

  /** @param {Entry} entry */
  #isDue(entry) {
    return this.#send !== null && Math.max(entry.retryAt, this.#pausedUntil) <= this.#clock.now();
  }

  /** The next entry of each lane. @returns {Map<string, Entry>} */
  #nextEntries() {
    /** @type {Map<string, Entry>} */
    const next = new Map();
    for (const entry of this.entries.filter((one) => this.#entries.mayBeSent(one))) {
      if (!next.has(entry.lane)) next.set(entry.lane, entry);
    }
    return next;
  }

  /** @param {string} lane */
  async #sendLane(lane) {
    for (;;) {
      const entry = this.#nextEntries().get(lane);
      if (this.#send === null || entry === undefined || !this.#isDue(entry)) break;
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
    this.#entries.hold(entry);
    this.#entries.change(entry, { state: 'sending', error: null, retryAt: 0 });
    try {
      const result = await send(entry.command, { ...entry.fields, key: entry.key });
      this.#backoff.reset();
      await this.#entries.finish(entry, { state: 'sent', result });
    } catch (thrown) {
      await this.#refused(entry, asHoldfastError(thrown));
    } finally {
      this.#entries.release(entry);
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
      this.#entries.change(entry, { state: 'failed', error: told });
      await this.#entries.save(entry);
      return;
    }
    const retryAt =
      this.#clock.now() + Math.max((error.retryAfter ?? 0) * 1000, this.#backoff.next());
    if (wanted !== 'wait') this.#pausedUntil = retryAt;
    this.#entries.change(
      entry,
      wanted === 'again' ? { state: 'queued' } : { state: 'queued', error: told, retryAt },
    );
  }

  /** Come back when the first wait is over. */
  #setTimer() {
    this.#clock.clearTimeout(this.#timer);
    const first = Math.min(
      ...[...this.#nextEntries().values()].map((entry) =>
        Math.max(entry.retryAt, this.#pausedUntil),
      ),
    );
    if (this.#send === null || !Number.isFinite(first)) return;
    this.#timer = this.#clock.setTimeout(
      () => this.#pump(),
      Math.max(0, first - this.#clock.now()),
    );
  }
}

/** The name of the lock and of the channel. @param {number} owner */
function nameFor(owner) {
  return `holdfast-outbox-${owner}`;
}
