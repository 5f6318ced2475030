/**
 * The entries of an outbox: in memory, in the store, and in the other tabs.
 *
 * The store is the truth that all tabs share. Memory follows it (`refresh`), and the updates that
 * tabs send each other. While this tab sends an entry, it holds the entry and ignores updates of
 * other tabs about it.
 * @module
 */

import { Emitter } from '../lib/emitter.js';

/** @typedef {import('./entry_store.js').EntryStore} EntryStore */
/** @typedef {import('../tabs/tabs.js').Channel} Channel */
/** @typedef {import('../types.js').Entry} Entry */
/** @typedef {import('../types.js').Report} Report */

/**
 * @typedef {object} EntriesOptions
 * @property {number} owner
 * @property {number} limit  entries of the owner, of all tabs
 * @property {EntryStore} store
 * @property {Channel | null} channel
 * @property {boolean} shared  any tab may send any entry, because a lock lets one tab send at a
 *   time; otherwise each tab sends its own
 * @property {() => void} changedElsewhere  another tab changed an entry
 * @property {Report} report
 */

export class Entries {
  #owner;
  #limit;
  #store;
  /** @type {Channel | null} */
  #channel;
  #shared;
  #report;
  /** @type {Emitter<{change: Entry}>} */
  #emitter;
  /** By key. @type {Map<string, Entry>} */
  #entries = new Map();
  /** Keys of entries that could not be stored; only this page has them. @type {Set<string>} */
  #unstored = new Set();
  /** Keys of entries of other tabs, if entries are not shared. @type {Set<string>} */
  #foreign = new Set();
  /** Keys of entries that this tab is sending. @type {Set<string>} */
  #held = new Set();

  /** @param {EntriesOptions} options */
  constructor({ owner, limit, store, channel, shared, changedElsewhere, report }) {
    this.#owner = owner;
    this.#limit = limit;
    this.#store = store;
    this.#channel = channel;
    this.#shared = shared;
    this.#report = report;
    this.#emitter = new Emitter(report);
    if (channel === null) return;
    channel.onmessage = ({ data }) => {
      this.#receive(data);
      changedElsewhere();
    };
  }

  get durable() {
    return this.#store.durable && this.#unstored.size === 0;
  }

  get size() {
    return this.#entries.size;
  }

  /** In the order of writing. @returns {Entry[]} */
  get all() {
    return [...this.#entries.values()].sort(
      (a, b) => (a.order ?? Infinity) - (b.order ?? Infinity),
    );
  }

  /** @param {string} key */
  get(key) {
    return this.#entries.get(key);
  }

  /** @param {Entry} entry */
  mayBeSent(entry) {
    return entry.order !== null && entry.state !== 'failed' && !this.#foreign.has(entry.key);
  }

  /** @param {(entry: Entry) => void} listener */
  onChange(listener) {
    return this.#emitter.on('change', listener);
  }

  /** Add an entry; resolves when it is stored, or cannot be. @param {Entry} entry */
  async add(entry) {
    this.#entries.set(entry.key, entry);
    this.#emitter.emit('change', entry);
    const { order: _, result: __, ...row } = entry;
    try {
      entry.order = await this.#store.add(row);
    } catch (error) {
      this.#report(error, 'an entry of the outbox is kept in memory only');
      this.#unstored.add(entry.key);
      // Behind all stored entries.
      entry.order = Math.max(0, ...this.all.map(({ order }) => order ?? 0)) + 0.001;
    }
    if (this.#entries.has(entry.key)) this.#broadcast(entry);
    // Discarded while it was being stored.
    else await this.#unstore(entry);
  }

  /**
   * Change an entry in memory and in the other tabs.
   * @param {Entry} entry
   * @param {Partial<Entry>} changes
   */
  change(entry, changes) {
    Object.assign(entry, changes);
    this.#emitter.emit('change', entry);
    this.#broadcast(entry);
  }

  /** Store the present state of an entry. @param {Entry} entry */
  async save(entry) {
    if (entry.order === null || this.#unstored.has(entry.key)) return;
    const { result: _, ...row } = entry;
    await this.#store
      .put(row)
      .catch((error) => this.#report(error, 'an entry of the outbox could not be updated'));
  }

  /**
   * Remove an entry that was sent or discarded.
   * @param {Entry} entry
   * @param {Partial<Entry>} changes
   */
  async finish(entry, changes) {
    this.#entries.delete(entry.key);
    this.change(entry, changes);
    await this.#unstore(entry);
  }

  /**
   * Put an entry that was sent back in its place, before everything written after it.
   * @param {Entry} entry
   */
  async restore(entry) {
    this.#entries.set(entry.key, entry);
    this.change(entry, { state: 'queued', error: null, retryAt: 0, result: null });
    await this.save(entry);
  }

  /** Ignore updates of other tabs until `release`. @param {Entry} entry */
  hold(entry) {
    this.#held.add(entry.key);
  }

  /** @param {Entry} entry */
  release(entry) {
    this.#held.delete(entry.key);
  }

  /**
   * Load the stored entries: another tab may have added, sent, failed or discarded some.
   */
  async refresh() {
    const before = this.all.filter(({ order, key }) => order !== null && !this.#unstored.has(key));
    /** @type {Entry[]} */
    let stored;
    try {
      stored = await this.#store.all(this.#owner);
    } catch (error) {
      this.#report(error, 'the outbox could not be read');
      return;
    }
    const keys = new Set(stored.map(({ key }) => key));
    for (const entry of before.filter(({ key }) => !keys.has(key)))
      this.#apply({ ...entry, state: 'sent', error: null });
    for (const row of stored) {
      // Tabs store only `queued` and `failed`. An entry that a tab was sending when it died is
      // `queued` again.
      const state = row.state === 'failed' ? 'failed' : 'queued';
      if (this.#entries.get(row.key)?.state !== state) this.#apply({ ...row, state, result: null });
    }
  }

  close() {
    this.#channel?.close();
    this.#channel = null;
    this.#store.close();
  }

  /** @param {Entry} entry */
  async #unstore(entry) {
    if (this.#unstored.delete(entry.key) || entry.order === null) return;
    // If this fails, the next page sends the entry again with the same key, and the server answers
    // with the first result.
    await this.#store
      .delete(entry.order)
      .catch((error) => this.#report(error, 'an entry of the outbox could not be removed'));
  }

  /** @param {any} update */
  #receive(update) {
    if (update?.owner !== this.#owner || typeof update.key !== 'string') return;
    if (!this.#shared && !this.#entries.has(update.key)) this.#foreign.add(update.key);
    this.#apply(update);
    if (!this.#entries.has(update.key)) this.#foreign.delete(update.key);
  }

  /** Apply an update of another tab or from the store. @param {Entry} update */
  #apply(update) {
    const known = this.#entries.get(update.key);
    if (this.#held.has(update.key) || (known === undefined && this.#entries.size >= this.#limit))
      return;
    const entry = Object.assign(known ?? {}, update);
    if (update.state === 'sent' || update.state === 'discarded') this.#entries.delete(update.key);
    else this.#entries.set(update.key, entry);
    this.#emitter.emit('change', entry);
  }

  /** @param {Entry} entry */
  #broadcast(entry) {
    if (!this.#unstored.has(entry.key)) this.#channel?.postMessage({ ...entry });
  }
}
