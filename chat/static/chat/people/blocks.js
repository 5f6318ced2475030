/**
 * Whom I have blocked, in every tab: rows of my inbox. No DOM.
 * @module
 */

import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';

/**
 * @typedef {import('../../realtime/types.js').User} User
 *
 * @typedef {object} Block  As on the wire (docs/protocol.md §5).
 * @property {number} id
 * @property {number} seq
 * @property {User} user
 * @property {string | null} lifted_at
 */

export class Blocks {
  /** By the id of who is blocked. @type {Map<number, Block>} */
  #rows = new Map();
  /** @type {Emitter<{change: number | null}>} */
  #emitter = new Emitter(reportToConsole);
  #context;

  /**
   * @param {Block[]} rows
   * @param
   *   {{api: {get: (path: string) => Promise<any>}, client: {command: (name: string, fields: Record<string, unknown>) => Promise<any>}}}
   *   context
   */
  constructor(rows, context) {
    this.#context = context;
    for (const row of rows) this.#rows.set(row.user.id, row);
  }

  /** @param {number} userId */
  has(userId) {
    return this.#rows.get(userId)?.lifted_at === null;
  }

  /**
   * `change`: somebody's id; null: they were read anew.
   * @param {'change'} name
   * @param {(userId: number | null) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * A row of my inbox, or the answer to a command: whichever is newer stands.
   * @param {Block} row
   */
  tell(row) {
    if ((this.#rows.get(row.user.id)?.seq ?? 0) >= row.seq) return;
    this.#rows.set(row.user.id, row);
    this.#emitter.emit('change', row.user.id);
  }

  /** Changes may have been missed. */
  async reload() {
    const { blocks } = await this.#context.api.get('/api/blocks/');
    this.#rows = new Map(blocks.map((/** @type {Block} */ row) => [row.user.id, row]));
    this.#emitter.emit('change', null);
  }

  /** @param {number} userId @param {boolean} on */
  async set(userId, on) {
    const { block } = await this.#context.client.command(on ? 'person.block' : 'person.unblock', {
      user: userId,
    });
    this.tell(block);
  }
}
