/**
 * The active announcements that the user has not read yet. No DOM.
 * @module
 */

import { reportToConsole } from '../realtime/lib/clock.js';
import { Emitter } from '../realtime/lib/emitter.js';
import { untilServerTime } from '../realtime/lib/server_clock.js';

/**
 * @typedef {import('../realtime/client.js').Client} Client
 * @typedef {import('../realtime/api.js').Api} Api
 * @typedef {import('../realtime/types.js').Row} Row
 */

const LONGEST_TIMER_MS = 2 ** 31 - 1; // what a browser's setTimeout can count

export class Announcements {
  #client;
  #api;
  /** @type {Emitter<{change: Row[]}>} */
  #emitter = new Emitter(reportToConsole);
  /** @type {Map<number, Row>} */
  #rows = new Map();
  /** @type {Set<number>} */
  #read = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Client} client
   * @param {Api} api
   */
  constructor(client, api) {
    this.#client = client;
    this.#api = api;
  }

  /** Newest first. @returns {Row[]} */
  get shown() {
    const active = (/** @type {Row} */ row) =>
      !row.recalled_at && !(row.expires_at && untilServerTime(row.expires_at) <= 0);
    return [...this.#rows.values()]
      .filter((row) => active(row) && !this.#read.has(row.id))
      .sort((one, other) => other.id - one.id);
  }

  /** @param {'change'} name @param {(shown: Row[]) => void} listener */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  follow() {
    this.#client.subscribe('announcements', {
      load: () => this.#api.get('/api/announcements/'),
      replace: (snapshot) => this.#replace(snapshot),
      apply: (events) => {
        for (const { data } of events) this.#rows.set(data.id, data);
        this.#changed();
      },
    });
  }

  /** Read, in this tab or another one. @param {number} id */
  wasRead(id) {
    this.#read.add(id);
    this.#changed();
  }

  /**
   * Hides a read announcement at once, and shows it again if the server was not reached.
   * @param {number} id
   */
  async read(id) {
    this.wasRead(id);
    try {
      await this.#api.post(`/api/announcements/${id}/read`);
    } catch {
      this.#read.delete(id);
      this.#changed();
    }
  }

  /** @param {{announcements: Row[]}} snapshot */
  #replace({ announcements }) {
    this.#rows = new Map(announcements.map((/** @type {Row} */ row) => [row.id, row]));
    for (const row of announcements) if (row.read_at) this.#read.add(row.id);
    this.#changed();
  }

  #changed() {
    this.#emitter.emit('change', this.shown);
    clearTimeout(this.#timer);
    const ends = this.shown
      .filter((row) => row.expires_at)
      .map((row) => untilServerTime(row.expires_at));
    if (ends.length > 0)
      this.#timer = setTimeout(() => this.#changed(), Math.min(...ends, LONGEST_TIMER_MS));
  }
}
