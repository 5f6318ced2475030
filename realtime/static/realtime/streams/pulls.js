/**
 * Pulls of many streams, a few at a time.
 *
 * A thousand rooms that are behind must not spend the token bucket that posting needs; and the room
 * that the person looks at comes first.
 * @module
 */

import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('./stream.js').Stream} Stream */

/** Pulls under way at once, over all streams. */
export const MAX_PULLS = 4;
/** Where the server says `rate_limited` without saying for how long. */
const DEFAULT_PAUSE_SECONDS = 1;

/** @typedef {Answer & {stream: Stream}} WaitingPull */

export class Pulls {
  #ask;
  #clock;
  /** @type {WaitingPull[]} */
  #queue = [];
  #underWay = 0;
  #starting = false;
  /** @type {string | null} */
  #preferred = null;
  /** @type {unknown} */
  #pause = null;

  /**
   * @param {(name: string, fields: Record<string, unknown>, answer: Answer) => void} ask
   * @param {Clock} clock
   */
  constructor(ask, clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Pull this stream before all others. @param {string | null} name */
  prefer(name) {
    this.#preferred = name;
  }

  /**
   * Pull one page after the stream's position, when it is its turn.
   * @param {Stream} stream
   * @param {Answer} answer
   */
  pull(stream, { done, failed }) {
    this.#queue.push({ stream, done, failed });
    this.#start();
  }

  /** The connection is gone: what waits for its turn has none. */
  cut() {
    this.#clock.clearTimeout(this.#pause);
    this.#pause = null;
    for (const { failed } of this.#queue.splice(0))
      failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
  }

  #start() {
    // Without a connection a pull fails at once and leads here again: the loop below goes on with
    // the next, not deeper.
    if (this.#starting) return;
    this.#starting = true;
    while (this.#underWay < MAX_PULLS && this.#queue.length > 0 && this.#pause === null) {
      const preferred = this.#queue.findIndex(({ stream }) => stream.name === this.#preferred);
      const [next] = this.#queue.splice(Math.max(0, preferred), 1);
      // A stream that was left meanwhile listens to no answer.
      if (next.stream.state !== 'closed') this.#run(next);
    }
    this.#starting = false;
  }

  /** @param {WaitingPull} pull */
  #run(pull) {
    this.#underWay += 1;
    const answer = {
      done: (/** @type {any} */ page) => {
        this.#underWay -= 1;
        pull.done(page);
        this.#start();
      },
      failed: (/** @type {HoldfastError} */ error) => {
        this.#underWay -= 1;
        if (error.code === 'rate_limited')
          this.#pauseFor(error.retryAfter ?? DEFAULT_PAUSE_SECONDS, pull);
        else pull.failed(error);
        this.#start();
      },
    };
    this.#ask('pull', { stream: pull.stream.name, after: pull.stream.position }, answer);
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
