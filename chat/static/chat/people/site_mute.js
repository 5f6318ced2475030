/**
 * The site mute of the user, in every tab: a row of the inbox. While it lasts, the user cannot post
 * in any room. No DOM.
 * @module
 */

import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';

/**
 * @typedef {object} MuteRow  As on the wire (docs/protocol.md §5).
 * @property {number} id
 * @property {number} seq
 * @property {string | null} muted_until
 */

export class SiteMute {
  #row;
  #api;
  /** @type {Emitter<{change: void}>} */
  #emitter = new Emitter(reportToConsole);

  /**
   * @param {MuteRow | null} row  null: the user was never muted
   * @param {{api: {get: (path: string) => Promise<any>}}} context
   */
  constructor(row, { api }) {
    this.#row = row;
    this.#api = api;
  }

  /** It may be in the past. @returns {string | null} */
  get until() {
    return this.#row?.muted_until ?? null;
  }

  /**
   * @param {'change'} name
   * @param {() => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** @param {MuteRow} row */
  update(row) {
    if ((this.#row?.seq ?? 0) < row.seq) this.#set(row);
  }

  /**
   * Load the mute, because changes may have been missed or the epoch may be new. An update that
   * arrives during the request is newer than the answer.
   */
  async reload() {
    const before = this.#row;
    const { site_mute: row } = await this.#api.get('/api/site-mute/');
    if (this.#row === before) this.#set(row);
    else if (row) this.update(row);
  }

  /** @param {MuteRow | null} row */
  #set(row) {
    this.#row = row;
    this.#emitter.emit('change', undefined);
  }
}
