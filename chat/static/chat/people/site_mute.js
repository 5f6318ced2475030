/**
 * Until when a moderator lets me write in no room, in every tab: a row of my inbox. No DOM.
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
   * @param {MuteRow | null} row  null: there never was one
   * @param {{api: {get: (path: string) => Promise<any>}}} context
   */
  constructor(row, { api }) {
    this.#row = row;
    this.#api = api;
  }

  /** It may be over. @returns {string | null} */
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

  /** A row of my inbox. @param {MuteRow} row */
  tell(row) {
    if ((this.#row?.seq ?? 0) < row.seq) this.#set(row);
  }

  /**
   * Changes may have been missed, and numbers be those of another history; what is told while the
   * server is asked is newer.
   */
  async reload() {
    const before = this.#row;
    const { site_mute: row } = await this.#api.get('/api/site-mute/');
    if (this.#row === before) this.#set(row);
    else if (row) this.tell(row);
  }

  /** @param {MuteRow | null} row */
  #set(row) {
    this.#row = row;
    this.#emitter.emit('change', undefined);
  }
}
