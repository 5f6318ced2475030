/**
 * The entries of an outbox: in memory, stored, and known to the other tabs.
 *
 * What is stored is the truth that all tabs share. Memory follows it (`refresh`), and what the tabs
 * tell each other on their channel. About an entry that this tab holds, because its command is
 * under way from here, nobody else knows better.
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
 * @property {boolean} shared any tab may send any entry, because locks let one send at a time; else
 *   each tab sends its own
 * @property {() => void} heard  another tab told something
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
  /** Could not be stored: only this page knows them. @type {Set<string>} */
  #unstored = new Set();
  /** Written in another tab, where entries are not shared. @type {Set<string>} */
  #foreign = new Set();
  /** @type {Set<string>} */
  #held = new Set();

  /** @param {EntriesOptions} options */
  constructor({ owner, limit, store, channel, shared, heard, report }) {
    this.#owner = owner;
    this.#limit = limit;
    this.#store = store;
    this.#channel = channel;
    this.#shared = shared;
    this.#report = report;
    this.#emitter = new Emitter(report);
    if (channel === null) return;
    channel.onmessage = ({ data }) => {
      this.#hear(data);
      heard();
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

  /** May this tab send it? @param {Entry} entry */
  mayBeSent(entry) {
    return entry.order !== null && entry.state !== 'failed' && !this.#foreign.has(entry.key);
  }

  /** @param {(entry: Entry) => void} listener */
  onChange(listener) {
    return this.#emitter.on('change', listener);
  }

  /** Take a new entry in; resolves when it is stored, or cannot be. @param {Entry} entry */
  async add(entry) {
    this.#entries.set(entry.key, entry);
    this.#emitter.emit('change', entry);
    const { order: _, result: __, ...row } = entry;
    try {
      entry.order = await this.#store.add(row);
    } catch (error) {
      this.#report(error, 'an entry of the outbox is kept in memory only');
      this.#unstored.add(entry.key);
      // behind all that are stored
      entry.order = Math.max(0, ...this.all.map(({ order }) => order ?? 0)) + 0.001;
    }
    if (this.#entries.has(entry.key)) this.#tell(entry);
    else await this.#unstore(entry); // discarded meanwhile
  }

  /**
   * Change an entry in memory, and tell everybody.
   * @param {Entry} entry
   * @param {Partial<Entry>} news
   */
  change(entry, news) {
    Object.assign(entry, news);
    this.#emitter.emit('change', entry);
    this.#tell(entry);
  }

  /** Store the state of an entry as well. @param {Entry} entry */
  async save(entry) {
    if (entry.order === null || this.#unstored.has(entry.key)) return;
    const { result: _, ...row } = entry;
    await this.#store
      .put(row)
      .catch((error) => this.#report(error, 'an entry of the outbox keeps its older state'));
  }

  /**
   * An entry is over: `sent` or `discarded`.
   * @param {Entry} entry
   * @param {Partial<Entry>} news
   */
  async finish(entry, news) {
    this.#entries.delete(entry.key);
    this.change(entry, news);
    await this.#unstore(entry);
  }

  /** From here on this tab alone knows about the entry, until `release`. @param {Entry} entry */
  hold(entry) {
    this.#held.add(entry.key);
  }

  /** @param {Entry} entry */
  release(entry) {
    this.#held.delete(entry.key);
  }

  /**
   * Make memory agree with what is stored: another tab may have added, sent, failed or discarded
   * entries.
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
      this.#adopt({ ...entry, state: 'sent', error: null });
    for (const row of stored) {
      // A tab writes down only `queued` and `failed`. `sending` of a tab that died with the lock is
      // `queued` again.
      const state = row.state === 'failed' ? 'failed' : 'queued';
      if (this.#entries.get(row.key)?.state !== state) this.#adopt({ ...row, state, result: null });
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
    // If this fails, the next page sends it again with the same key, and is answered with the first
    // message.
    await this.#store
      .delete(entry.order)
      .catch((error) => this.#report(error, 'an entry of the outbox could not be removed'));
  }

  /** @param {any} told */
  #hear(told) {
    if (told?.owner !== this.#owner || typeof told.key !== 'string') return;
    if (!this.#shared && !this.#entries.has(told.key)) this.#foreign.add(told.key);
    this.#adopt(told);
    if (!this.#entries.has(told.key)) this.#foreign.delete(told.key);
  }

  /** Take over what another tab, or an earlier page, says about an entry. @param {Entry} told */
  #adopt(told) {
    const known = this.#entries.get(told.key);
    if (this.#held.has(told.key) || (known === undefined && this.#entries.size >= this.#limit))
      return;
    const entry = Object.assign(known ?? {}, told);
    if (told.state === 'sent' || told.state === 'discarded') this.#entries.delete(told.key);
    else this.#entries.set(told.key, entry);
    this.#emitter.emit('change', entry);
  }

  /** @param {Entry} entry */
  #tell(entry) {
    if (!this.#unstored.has(entry.key)) this.#channel?.postMessage({ ...entry });
  }
}
