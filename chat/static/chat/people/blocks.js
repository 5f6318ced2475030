/**
 * The people that the user has blocked, in every tab: rows of the inbox. No DOM.
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
 *
 * @typedef {{change: number | null, others: undefined}} BlockEvents
 */

export class Blocks {
  /** By the id of the blocked user. @type {Map<number, Block>} */
  #rows = new Map();
  /** @type {Emitter<BlockEvents>} */
  #emitter = new Emitter(reportToConsole);
  #context;

  /**
   * @param {Block[]} rows
   * @param {object} context
   * @param {{get: (path: string) => Promise<any>}} context.api
   * @param {{command: (name: string, fields: Record<string, unknown>) => Promise<any>}} context.client
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
   * - `change`: with the user's id; null: all blocks were loaded again
   * - `others`: other people than before are blocked
   * @template {'change' | 'others'} Name
   * @param {Name} name
   * @param {(value: BlockEvents[Name]) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Apply a row of the inbox or of a reply; the newer one wins.
   * @param {Block} row
   */
  update(row) {
    if ((this.#rows.get(row.user.id)?.seq ?? 0) >= row.seq) return;
    const before = this.#blocked;
    this.#rows.set(row.user.id, row);
    this.#emitter.emit('change', row.user.id);
    if (this.#blocked !== before) this.#emitter.emit('others', undefined);
  }

  /** Load all blocks, because changes may have been missed. */
  async reload() {
    const { blocks } = await this.#context.api.get('/api/blocks/');
    const before = this.#blocked;
    this.#rows = new Map(blocks.map((/** @type {Block} */ row) => [row.user.id, row]));
    this.#emitter.emit('change', null);
    if (this.#blocked !== before) this.#emitter.emit('others', undefined);
  }

  /** The ids of the people who are blocked, as a text. */
  get #blocked() {
    return [...this.#rows.keys()]
      .filter((id) => this.has(id))
      .sort((one, other) => one - other)
      .join();
  }

  /** @param {number} userId @param {boolean} on */
  async set(userId, on) {
    const { block } = await this.#context.client.command(on ? 'person.block' : 'person.unblock', {
      user: userId,
    });
    this.update(block);
  }
}
