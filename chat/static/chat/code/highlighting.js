/**
 * The queue of code that waits for the highlighter: one block at a time, each with a deadline. A
 * block that misses it is shown without colours. No DOM.
 * @module
 */

import { realClock } from '../../realtime/lib/clock.js';

/** @typedef {import('../../realtime/types.js').Clock} Clock */

/** In characters. A longer block is rarely read in a chat, and its colours would cost most. */
export const MAX_CODE = 8000;
/** In characters. Many grammars need quadratic time in the length of a line. */
export const MAX_LINE = 400;
/** In elements: more would delay the page that shows them. */
export const MAX_SPANS = 3000;
/** Ordinary blocks need 5 ms; a busy machine may take a hundred times as long. */
export const DEADLINE_MS = 1500;
/** Missed deadlines after which this page colours nothing more: it would go on for ever. */
export const MAX_MISSED = 8;

/**
 * @typedef {object} Port  the part of Worker that is needed
 * @property {(job: {code: string, language: string}) => void} postMessage
 * @property {() => void} terminate
 * @property {((event: {data: any}) => void) | null} onmessage
 * @property {((event: any) => void) | null} onerror
 *
 * @typedef {object} Job
 * @property {string} code
 * @property {string} language
 * @property {(html: string | null) => void} done  null: without colours
 */

/** True if this code may be coloured at all. @param {string} code */
export function isColourable(code) {
  return code.length <= MAX_CODE && !code.split('\n').some((line) => line.length > MAX_LINE);
}

export class Highlighting {
  #start;
  #clock;
  /** @type {Port | null} */
  #worker = null;
  /** The worker has loaded. */
  #ready = false;
  /** @type {Job[]} */
  #waiting = [];
  /** @type {Job | null} */
  #running = null;
  /** @type {unknown} */
  #timer = null;
  #missed = 0;

  /**
   * @param {() => Port | null} start  starts a worker; null where the browser has none
   * @param {Clock} [clock]
   */
  constructor(start, clock = realClock) {
    this.#start = start;
    this.#clock = clock;
  }

  /**
   * @param {string} code
   * @param {string} language
   * @returns {Promise<string | null>}  markup with escaped code; null: without colours
   */
  colour(code, language) {
    if (!isColourable(code) || this.#missed >= MAX_MISSED) return Promise.resolve(null);
    return new Promise((done) => {
      this.#waiting.push({ code, language, done });
      this.#next();
    });
  }

  #next() {
    if (this.#running || this.#waiting.length === 0) return;
    const worker = this.#worker ?? this.#startWorker();
    if (!worker) return this.#giveUp();
    if (!this.#ready) return;
    const job = /** @type {Job} */ (this.#waiting.shift());
    this.#running = job;
    this.#timer = this.#clock.setTimeout(() => this.#miss(), DEADLINE_MS);
    worker.postMessage({ code: job.code, language: job.language });
  }

  #startWorker() {
    this.#worker = this.#start();
    if (!this.#worker) return null;
    this.#worker.onmessage = ({ data }) => {
      if (data.ready) this.#ready = true;
      else this.#finish(data.html);
      this.#next();
    };
    // Without the network, or an error in a grammar: the next block starts another one.
    this.#worker.onerror = () => {
      this.#stopWorker();
      if (!this.#running) return this.#giveUp();
      this.#finish(null);
      this.#next();
    };
    return this.#worker;
  }

  /** @param {string | null} html */
  #finish(html) {
    const job = this.#running;
    this.#clock.clearTimeout(this.#timer);
    this.#running = null;
    job?.done(html !== null && html.split('<span').length - 1 <= MAX_SPANS ? html : null);
  }

  #miss() {
    this.#missed += 1;
    this.#stopWorker();
    this.#finish(null);
    if (this.#missed >= MAX_MISSED) this.#giveUp();
    else this.#next();
  }

  #stopWorker() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#ready = false;
  }

  #giveUp() {
    for (const job of this.#waiting.splice(0)) job.done(null);
  }
}
