/**
 * Pulls of many streams, a few at a time.
 *
 * A thousand rooms that are behind must not spend the token bucket that posting needs; and the room that the person looks at comes first.
 * @module
 */

import { HoldfastError, LOCAL_CODES, asHoldfastError } from './errors.js';

/** @typedef {import('./types.js').Clock} Clock */
/** @typedef {import('./types.js').Page} Page */
/** @typedef {import('./stream.js').Stream} Stream */

/** Pulls under way at once, over all streams. */
export const MAX_PULLS = 4;
/** Where the server says `rate_limited` without saying for how long. */
const DEFAULT_PAUSE_SECONDS = 1;

/**
 * @typedef {object} WaitingPull
 * @property {Stream} stream
 * @property {(page: Page) => void} resolve
 * @property {(error: HoldfastError) => void} reject
 */

export class Pulls {
  #command;
  #clock;
  /** @type {WaitingPull[]} */
  #queue = [];
  #underWay = 0;
  /** @type {string | null} */
  #preferred = null;
  /** @type {unknown} */
  #pause = null;

  /**
   * @param {(name: string, fields: Record<string, unknown>) => Promise<any>} command
   * @param {Clock} clock
   */
  constructor(command, clock) {
    this.#command = command;
    this.#clock = clock;
  }

  /** Pull this stream before all others. @param {string | null} name */
  prefer(name) {
    this.#preferred = name;
  }

  /**
   * Pull one page after the stream's position, when it is its turn.
   * @param {Stream} stream
   * @returns {Promise<Page>}
   */
  pull(stream) {
    return new Promise((resolve, reject) => {
      this.#queue.push({ stream, resolve, reject });
      this.#start();
    });
  }

  /** The connection is gone: what waits for its turn has none. */
  cut() {
    this.#clock.clearTimeout(this.#pause);
    this.#pause = null;
    for (const { reject } of this.#queue.splice(0)) reject(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, 'There is no connection right now.'));
  }

  #start() {
    while (this.#underWay < MAX_PULLS && this.#queue.length > 0 && this.#pause === null) {
      const preferred = this.#queue.findIndex(({ stream }) => stream.name === this.#preferred);
      const [next] = this.#queue.splice(Math.max(0, preferred), 1);
      // A stream that was left meanwhile listens to no answer.
      if (next.stream.state !== 'closed') void this.#run(next);
    }
  }

  /** @param {WaitingPull} pull */
  async #run(pull) {
    this.#underWay += 1;
    try {
      pull.resolve(await this.#command('pull', { stream: pull.stream.name, after: pull.stream.position }));
    } catch (thrown) {
      const error = asHoldfastError(thrown);
      if (error.code === 'rate_limited') this.#pauseFor(error.retryAfter ?? DEFAULT_PAUSE_SECONDS, pull);
      else pull.reject(error);
    } finally {
      this.#underWay -= 1;
      this.#start();
    }
  }

  /**
   * @param {number} seconds
   * @param {WaitingPull} refused  goes again first
   */
  #pauseFor(seconds, refused) {
    this.#queue.unshift(refused);
    this.#pause ??= this.#clock.setTimeout(() => {
      this.#pause = null;
      this.#start();
    }, seconds * 1000);
  }
}
