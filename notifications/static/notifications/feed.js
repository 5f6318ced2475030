/**
 * My inbox as a page follows it: how much is unread, and every row that changes. No DOM.
 *
 * Each notification carries the inbox's unread count as of its `seq`, so the count of the newest
 * one is the present one: no tab adds up.
 * @module
 */

import { reportToConsole } from '../realtime/lib/clock.js';
import { Emitter } from '../realtime/lib/emitter.js';

/**
 * @typedef {import('../realtime/client.js').Client} Client
 * @typedef {import('../realtime/api.js').Api} Api
 * @typedef {import('../realtime/types.js').Row} Row
 *
 * @typedef {object} FeedEvents
 * @property {number} unread
 * @property {Row} notification
 * @property {Row} reading  an announcement that I have read, in any tab
 * @property {Row} block  of another user by this one
 * @property {Row} site_mute  of me by a moderator
 * @property {Row} display  how I want to see the site
 * @property {Row} held_post  of mine, until a moderator has decided
 * @property {{membership: Row, seq: number}} membership one of mine, and where the inbox tells it
 *   (only on connections that carry rooms)
 * @property {void} reloaded  changes may have been missed: read the list anew
 */

/** Kinds of rows that other parts of the page take as they are. */
const PASSED_ON = new Set([
  'notification',
  'reading',
  'block',
  'site_mute',
  'held_post',
  'display',
]);

export class InboxFeed {
  #client;
  #api;
  /** @type {Emitter<FeedEvents>} */
  #emitter = new Emitter(reportToConsole);
  #unread = 0;
  #seq = 0;
  /** The preferences of the user. @type {import('./news.js').Choices} */
  preferences = { desktop_off: [], quiet_from: null, quiet_to: null };

  /**
   * @param {Client} client
   * @param {Api} api
   */
  constructor(client, api) {
    this.#client = client;
    this.#api = api;
  }

  get unread() {
    return this.#unread;
  }

  /**
   * @template {keyof FeedEvents} Name
   * @param {Name} name
   * @param {(value: FeedEvents[Name]) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * @param {number} userId
   * @param {{seq: number, unread: number, preferences: import('./news.js').Choices} | null}
   *   [snapshot] as the page was rendered; without
   *   it, it is loaded
   */
  follow(userId, snapshot = null) {
    if (snapshot) {
      this.counted(snapshot.unread, snapshot.seq);
      this.preferences = snapshot.preferences;
    }
    this.#client.subscribe(`inbox.${userId}`, {
      position: snapshot?.seq ?? null,
      load: () => this.#api.get('/api/inbox/'),
      replace: (inbox) => this.#replace(inbox),
      apply: (events) => {
        for (const { kind, data, seq } of events) this.#apply(kind, data, seq);
      },
    });
  }

  /**
   * The server counted.
   * @param {number} unread
   * @param {number} [seq]
   */
  counted(unread, seq = this.#seq) {
    if (seq < this.#seq) return;
    this.#seq = seq;
    this.#unread = unread;
    this.#emitter.emit('unread', unread);
  }

  /** @param {number[]} ids */
  async read(ids) {
    await this.#command('notification.read', { notifications: ids });
  }

  async readAll() {
    await this.#command('notification.read', { all: true });
  }

  /** @param {number[]} ids */
  async archive(ids) {
    await this.#command('notification.archive', { notifications: ids });
  }

  /** They come back read as they are. @param {number[]} ids */
  async unarchive(ids) {
    await this.#command('notification.unarchive', { notifications: ids });
  }

  /** Archived ones come back to the inbox. @param {number[]} ids */
  async markUnread(ids) {
    await this.#command('notification.unread', { notifications: ids });
  }

  /** @param {string} name @param {Record<string, unknown>} fields */
  async #command(name, fields) {
    const { unread } = await this.#client.command(name, fields);
    this.counted(unread);
  }

  /** @param {{seq: number, unread: number}} inbox */
  #replace({ seq, unread }) {
    this.#seq = 0; // of another history, perhaps
    this.counted(unread, seq);
    this.#emitter.emit('reloaded', undefined);
  }

  /**
   * @param {string} kind
   * @param {Row} data
   * @param {number} seq
   */
  #apply(kind, data, seq) {
    if (kind === 'notification') this.counted(data.unread, seq);
    if (kind === 'preferences') this.preferences = /** @type {any} */ (data);
    if (PASSED_ON.has(kind)) this.#emitter.emit(/** @type {any} */ (kind), data);
    if (kind === 'membership') this.#emitter.emit(kind, { membership: data, seq });
  }
}
