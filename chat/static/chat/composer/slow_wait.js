/**
 * The wait of slow mode after each post of the user. No DOM.
 * @module
 */

import { serverNow } from '../../realtime/lib/server_clock.js';

export class SlowWait {
  #room;
  /** When the user posted last, by the server's clock. */
  #from = -Infinity;

  /** @param {import('../rooms/room.js').Room} room */
  constructor(room) {
    this.#room = room;
  }

  /** A message was accepted just now. */
  start() {
    this.#from = serverNow();
  }

  /** @param {string} [iso]  the user's last post; no wait is longer than the whole interval */
  startedAt(iso) {
    if (iso) this.#from = Math.min(Date.parse(iso), serverNow());
  }

  /** Seconds until the next message; 0: now. */
  get seconds() {
    const { data, canModerate } = this.#room;
    if (!data.slow_mode || canModerate) return 0;
    return Math.max(0, Math.ceil((this.#from + data.slow_mode * 1000 - serverNow()) / 1000));
  }
}
