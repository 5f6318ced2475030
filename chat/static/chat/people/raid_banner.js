/**
 * Tells moderators of the site on every page that raid mode is on, until it ends
 * (templates/chat/_raid.html; only their pages have it).
 * @module
 */

import { realClock } from '../../realtime/lib/clock.js';
import { untilServerTime } from '../../realtime/lib/server_clock.js';
import { setText } from '../lib/dom.js';
import { words } from './words.js';

/** @typedef {{until: string} | null} Raid */

const LONGEST_MS = 2 ** 31 - 1; // of a timer

export class RaidBanner {
  #element;
  #api;
  #clock;
  /** @type {unknown} */
  #ending;

  /**
   * @param {HTMLElement | null} element  null on the pages of other people
   * @param {Raid} raid
   * @param {{api: {get: (path: string) => Promise<any>}}} context
   * @param {import('../../realtime/types.js').Clock} [clock]
   */
  constructor(element, raid, { api }, clock = realClock) {
    this.#element = element;
    this.#api = api;
    this.#clock = clock;
    this.#show(raid);
  }

  /** It may have been changed. */
  async reload() {
    if (!this.#element) return;
    const { raid } = await this.#api.get('/api/raid-mode/');
    this.#show(raid);
  }

  /** @param {Raid} raid */
  #show(raid) {
    if (!this.#element) return;
    this.#clock.clearTimeout(this.#ending);
    const left = raid ? untilServerTime(raid.until, this.#clock.now()) : 0;
    this.#element.hidden = left <= 0;
    if (!raid || left <= 0) return;
    setText(this.#element, 'raid-words', words.raidUntil(raid.until));
    this.#ending = this.#clock.setTimeout(() => this.#show(null), Math.min(left, LONGEST_MS));
  }
}
