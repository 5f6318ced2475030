/**
 * Sends stored commands once and in order: after being offline, after a reload, from several tabs.
 *
 * An entry is a command with a key. It is stored before it is sent and removed after its `ok`;
 * until then it is repeated with the same key. So a lost answer, a reload meanwhile, or two tabs
 * that send at once still make one message (docs/protocol.md §4). Entries with the same ordering
 * key (a room) are sent one after the other; other entries do not wait for them. Only commands that
 * are idempotent by `key` belong here.
 *
 * Tabs share the stored entries. A Web Lock lets one tab send at a time; without it, the keys make
 * double sends harmless.
 *
 * A server whose database was restored has lost what it acknowledged since. So this page keeps its
 * newest acknowledged entries in memory and sends them again after a new epoch (`repeat`). For those
 * that the server still has, the key makes that harmless.
 * @module
 */

import { Backoff } from '../connection/backoff.js';
import { realClock, reportToConsole } from '../lib/clock.js';
import { asHoldfastError, HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { uuid } from '../lib/uuid.js';
import { words } from '../lib/words.js';
import { openChannel, withLock } from '../tabs/tabs.js';
import { Entries } from './entries.js';
import { EntryStore } from './entry_store.js';
import { retryPolicy } from './retry_policy.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').Entry} Entry */
/** @typedef {import('../types.js').Report} Report */
/** @typedef {import('../tabs/tabs.js').Channel} Channel */
/** @typedef {import('../tabs/tabs.js').Locks} Locks */

/** Unsent entries of one user. */
export const MAX_ENTRIES = 500;
/** Ordering keys with a command under way: far below the server's rate limit. */
export const MAX_QUEUES_IN_FLIGHT = 8;
/** Acknowledged entries that are sent again if the server has lost them, the newest ones. */
export const MAX_ACKNOWLEDGED = 100;
/** As old as a backup may be: an older one is restored by an operator who announces the loss. */
export const KEEP_ACKNOWLEDGED_MS = 15 * 60_000;

/**
 * @typedef {(command: string, fields: Record<string, any>) => Promise<any>} Send
 *
 * @typedef {object} OutboxOptions
 * @property {number} owner  the id of the signed-in user; only their entries are sent
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
  /** The newest entries with an `ok`, and when it came. @type {{entry: Entry, at: number}[]} */
  #acknowledged = [];
  /** Ordering keys with a command under way from this tab. @type {Set<string>} */
  #busyKeys = new Set();
  /** @type {Send | null} */
  #send = null;
  /**
   * The lock to send: held, being acquired or released (`waiting`), or neither.
   * @type {'none' | 'waiting' | 'held'}
   */
  #lock = 'none';
  /** @type {() => void} */
  #releaseLock = () => {};
  #pausedUntil = 0;
  /** @type {unknown} */
  #timer = null;

  /**
   * The owner's outbox. It can be used at once; entries of an earlier page are loaded when it is
   * `ready`, and are sent first.
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
      store: new EntryStore({ indexedDB, report }),
      channel: channel === undefined ? openChannel(nameFor(owner)) : channel,
      shared: this.#locks !== null,
      // If the tab that added an entry dies before it sends it, this tab gets the lock and sends
      // it.
      changedElsewhere: () => this.#pump(),
      report,
    });
    /** @type {Promise<void>} */
    this.ready = this.#entries.refresh().then(() => this.#pump());
  }

  /** False: a reload loses unsent entries, because this browser stores nothing. */
  get durable() {
    return this.#entries.durable;
  }

  /** Unsent entries in their order. @returns {Entry[]} */
  get entries() {
    return this.#entries.all;
  }

  /** @param {string} orderingKey */
  entriesFor(orderingKey) {
    return this.entries.filter((entry) => entry.orderingKey === orderingKey);
  }

  /**
   * `change` has the entry in its new state, also when another tab changed it.
   * @param {'change'} _name
   * @param {(entry: Entry) => void} listener
   * @returns {() => void}  removes the listener
   */
  on(_name, listener) {
    return this.#entries.onChange(listener);
  }

  /**
   * Add a command. It is stored, then sent as soon as possible.
   * @param {object} command
   * @param {string} command.command
   * @param {string} command.orderingKey
   * @param {Record<string, any>} command.fields
   * @param {string} [command.key]
   * @returns {Entry}
   * @throws {HoldfastError} `too_many`: the outbox is full
   */
  add({ command, orderingKey, fields, key = uuid() }) {
    if (this.#entries.size >= MAX_ENTRIES) {
      throw new HoldfastError(LOCAL_CODES.TOO_MANY, words.outboxFull(MAX_ENTRIES));
    }
    /** @type {Entry} */
    const entry = {
      ...{
        key,
        owner: this.owner,
        orderingKey,
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
   * Remove an entry without sending it.
   * @param {string} key
   * @returns {boolean}  false: it is being sent, or gone
   */
  discard(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'sending') return false;
    void this.#entries.finish(entry, { state: 'discarded' });
    return true;
  }

  /**
   * Send what was acknowledged recently once more: the server has another history, which may not
   * have it.
   */
  repeat() {
    const since = this.#clock.now() - KEEP_ACKNOWLEDGED_MS;
    const recent = this.#acknowledged.filter(({ at }) => at >= since);
    this.#acknowledged = [];
    const restored = recent.map(({ entry }) => this.#entries.restore(entry));
    void Promise.all(restored).then(() => this.#pump());
  }

  /** Never send an acknowledged entry again: what it made was deleted. @param {string} key */
  forget(key) {
    this.#acknowledged = this.#acknowledged.filter(({ entry }) => entry.key !== key);
  }

  /** Discard all entries, for example at sign-out on a shared computer. */
  clear() {
    this.#acknowledged = [];
    for (const entry of this.entries) this.discard(entry.key);
  }

  /** Send while the connection is open. @param {Send} send */
  resume(send) {
    this.#send = send;
    this.#pausedUntil = 0;
    this.#backoff.reset();
    this.#pump();
  }

  /** Stop sending: the connection is gone. */
  pause() {
    this.#send = null;
  }

  /** Stop using the outbox. Stored entries stay. */
  close() {
    this.pause();
    this.#clock.clearTimeout(this.#timer);
    this.#entries.close();
  }

  /** Send everything that is due: at once with the lock, otherwise after acquiring it. */
  #pump() {
    if (this.#send === null || this.#entries.size === 0) return;
    if (this.#lock === 'held') this.#startQueues();
    else if (this.#lock === 'none') void this.#acquireLock();
  }

  async #acquireLock() {
    this.#lock = 'waiting';
    const whileHeld = async () => {
      // Another tab may have sent entries while this one waited for the lock.
      await this.#entries.refresh();
      await new Promise((resolve) => {
        this.#releaseLock = () => resolve(undefined);
        this.#lock = 'held';
        this.#startQueues();
      });
    };
    await withLock(this.#locks, nameFor(this.owner), this.#clock, whileHeld).catch((error) =>
      this.#report(error, 'sending from the outbox'),
    );
    this.#lock = 'none';
    // An entry that was added during the release found no lock; one that must wait needs the timer.
    if (this.#sendableKeys().length > 0) this.#pump();
    else this.#setTimer();
  }

  #startQueues() {
    for (const orderingKey of this.#sendableKeys()) {
      if (this.#busyKeys.size >= MAX_QUEUES_IN_FLIGHT) break;
      this.#busyKeys.add(orderingKey);
      void this.#sendQueue(orderingKey);
    }
    if (this.#busyKeys.size === 0) {
      this.#lock = 'waiting';
      this.#releaseLock();
    }
  }

  /** Ordering keys whose next entry is due and that have none under way. */
  #sendableKeys() {
    const due = [...this.#nextEntries()].filter(
      ([orderingKey, entry]) => !this.#busyKeys.has(orderingKey) && this.#isDue(entry),
    );
    return due.map(([orderingKey]) => orderingKey);
  }

  /** @param {Entry} entry */
  #isDue(entry) {
    return this.#send !== null && Math.max(entry.retryAt, this.#pausedUntil) <= this.#clock.now();
  }

  /** The next entry of each ordering key. @returns {Map<string, Entry>} */
  #nextEntries() {
    /** @type {Map<string, Entry>} */
    const next = new Map();
    for (const entry of this.entries.filter((one) => this.#entries.mayBeSent(one))) {
      if (!next.has(entry.orderingKey)) next.set(entry.orderingKey, entry);
    }
    return next;
  }

  /** @param {string} orderingKey */
  async #sendQueue(orderingKey) {
    for (;;) {
      const entry = this.#nextEntries().get(orderingKey);
      if (this.#send === null || entry === undefined || !this.#isDue(entry)) break;
      await this.#sendEntry(this.#send, entry);
    }
    this.#busyKeys.delete(orderingKey);
    this.#startQueues();
  }

  /**
   * @param {Send} send
   * @param {Entry} entry
   */
  async #sendEntry(send, entry) {
    this.#entries.hold(entry);
    this.#entries.change(entry, { state: 'sending', error: null, retryAt: 0 });
    try {
      await this.#sent(entry, await send(entry.command, { ...entry.fields, key: entry.key }));
    } catch (thrown) {
      await this.#refused(entry, asHoldfastError(thrown));
    } finally {
      this.#entries.release(entry);
    }
  }

  /**
   * @param {Entry} entry
   * @param {any} result  null: the server has stored it, and gave no result yet
   */
  async #sent(entry, result) {
    this.#backoff.reset();
    const kept = { entry: { ...entry }, at: this.#clock.now() };
    this.#acknowledged = [...this.#acknowledged, kept].slice(-MAX_ACKNOWLEDGED);
    await this.#entries.finish(entry, { state: 'sent', result });
  }

  /**
   * @param {Entry} entry
   * @param {HoldfastError} error
   */
  async #refused(entry, error) {
    const policy = retryPolicy(error);
    if (policy === 'stored') return this.#sent(entry, null);
    const reason = { code: error.code, message: error.message, retryAfter: error.retryAfter };
    if (policy === 'fail') {
      this.#entries.change(entry, { state: 'failed', error: reason });
      await this.#entries.save(entry);
      return;
    }
    const retryAt =
      this.#clock.now() + Math.max((error.retryAfter ?? 0) * 1000, this.#backoff.next());
    if (policy !== 'wait') this.#pausedUntil = retryAt;
    this.#entries.change(
      entry,
      policy === 'again' ? { state: 'queued' } : { state: 'queued', error: reason, retryAt },
    );
  }

  /** Continue when the first wait is over. */
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
