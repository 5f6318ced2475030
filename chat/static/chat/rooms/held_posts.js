/**
 * The user's posts that a filter holds until a moderator has decided, in every tab: rows of the
 * inbox. No DOM.
 * @module
 */

import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';

/**
 * @typedef {import('../timeline/pending.js').Pending} Pending
 *
 * @typedef {object} HeldPost  As on the wire (docs/protocol.md §5).
 * @property {number} id
 * @property {number} seq
 * @property {number} room
 * @property {string} key
 * @property {string} body  empty once it is decided
 * @property {number | null} reply_to
 * @property {'waiting' | 'accepted' | 'refused' | 'withdrawn'} state
 * @property {string} created_at
 */

export class HeldPosts {
  /** By id. @type {Map<number, HeldPost>} */
  #rows;
  #context;
  /** @type {Emitter<{change: void}>} */
  #emitter = new Emitter(reportToConsole);

  /**
   * @param {HeldPost[]} rows
   * @param {object} context
   * @param {{get: (path: string) => Promise<any>}} context.api
   * @param {{command: (name: string, fields: Record<string, unknown>) => Promise<any>}} context.client
   */
  constructor(rows, context) {
    this.#rows = byId(rows);
    this.#context = context;
  }

  /**
   * The posts of a room that wait, as its timeline shows them.
   * @param {number} roomId
   * @returns {Pending[]}
   */
  in(roomId) {
    return [...this.#rows.values()]
      .filter(({ room, state }) => room === roomId && state === 'waiting')
      .map(({ key, body, reply_to, created_at }) => ({
        key,
        fields: { body, reply_to },
        createdAt: Date.parse(created_at),
        state: 'held',
        error: null,
      }));
  }

  /**
   * @param {'change'} name
   * @param {() => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** Apply a row of the inbox; the newer one wins. @param {HeldPost} row */
  update(row) {
    if ((this.#rows.get(row.id)?.seq ?? 0) >= row.seq) return;
    this.#set(new Map(this.#rows).set(row.id, row));
  }

  /**
   * Load all, because changes may have been missed or the epoch may be new. An update that arrives
   * during the request is newer than the answer.
   */
  async reload() {
    const before = this.#rows;
    const { held_posts: rows } = await this.#context.api.get('/api/held-posts/');
    if (this.#rows === before) this.#set(byId(rows));
    else for (const row of rows) this.update(row);
  }

  /** The author no longer wants to post it. @param {string} key */
  async withdraw(key) {
    const { held_post: row } = await this.#context.client.command('message.withdraw', { key });
    this.update(row);
  }

  /** @param {Map<number, HeldPost>} rows */
  #set(rows) {
    this.#rows = rows;
    this.#emitter.emit('change', undefined);
  }
}

/** @param {HeldPost[]} rows */
const byId = (rows) => new Map(rows.map((row) => [row.id, row]));
