/**
 * Pulls of many streams, a few at a time.
 *
 * A thousand rooms that are behind must not use up the rate limit that posting needs, and the room
 * that the user looks at comes first.
 * @module
 */

import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('./stream.js').Stream} Stream */

/** Pulls under way at once, over all streams. */
export const MAX_PULLS = 4;
/** For a `rate_limited` without `retry_after`. */
const DEFAULT_PAUSE_SECONDS = 1;

/** @typedef {Answer & {stream: Stream}} WaitingPull */

export class Pulls {
  #ask;
  #clock;
  /** @type {WaitingPull[]} */
  #queue = [];
  #inFlight = 0;
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
   * Queue a pull of one page after the stream's position.
   * @param {Stream} stream
   * @param {Answer} answer
   */
  pull(stream, { done, failed }) {
    this.#queue.push({ stream, done, failed });
    this.#start();
  }

  /** The connection is gone: queued pulls fail. */
  disconnected() {
    this.#clock.clearTimeout(this.#pause);
    this.#pause = null;
    for (const { failed } of this.#queue.splice(0))
      failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
  }

  #start() {
    // Without a connection a pull fails at once and calls this again: the loop continues instead of
    // a recursion.
    if (this.#starting) return;
    this.#starting = true;
    while (this.#inFlight < MAX_PULLS && this.#queue.length > 0 && this.#pause === null) {
      const preferred = this.#queue.findIndex(({ stream }) => stream.name === this.#preferred);
      const [next] = this.#queue.splice(Math.max(0, preferred), 1);
      // A stream that was left meanwhile needs no answer.
      if (next.stream.state !== 'closed') this.#run(next);
    }
    this.#starting = false;
  }

  /** @param {WaitingPull} pull */
  #run(pull) {
    this.#inFlight += 1;
    const answer = {
      done: (/** @type {any} */ page) => {
        this.#inFlight -= 1;
        pull.done(page);
        this.#start();
      },
      failed: (/** @type {HoldfastError} */ error) => {
        this.#inFlight -= 1;
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
   * @param {WaitingPull} refused  is sent first afterwards
   */
  #pauseFor(seconds, refused) {
    this.#queue.unshift(refused);
    this.#pause ??= this.#clock.setTimeout(() => {
      this.#pause = null;
      this.#start();
    }, seconds * 1000);
  }
}
