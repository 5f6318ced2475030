/**
 * The watch over somebody who may have fallen silent: the server behind a WebSocket, the tab that
 * holds the connection.
 *
 * Whoever is silent for long is asked; anything heard after the question proves life, and silence
 * until the end of the patience is death.
 * @module
 */

/** @typedef {import('../types.js').Clock} Clock */

/** For the answer to a question that nobody waits for with the eyes on the screen. */
export const PATIENCE_MS = 10_000;

export class Watch {
  #clock;
  #question;
  #lost;
  #everyMs = 0;
  #heardAt = 0;
  #timesHeard = 0;
  /** The next look at the silence, or the end of a question's patience. @type {unknown} */
  #timer = null;

  /**
   * @param {Clock} clock
   * @param {() => void} question  asks for a sign of life
   * @param {() => void} lost  none came
   */
  constructor(clock, question, lost) {
    this.#clock = clock;
    this.#question = question;
    this.#lost = lost;
  }

  /** Something was heard. */
  heard() {
    this.#heardAt = this.#clock.now();
    this.#timesHeard += 1;
  }

  /** Watch from now on, and ask after so much silence. @param {number} everyMs */
  begin(everyMs) {
    this.#everyMs = everyMs;
    this.#listen();
  }

  /** Ask now. @param {number} patienceMs */
  ask(patienceMs) {
    const before = this.#timesHeard;
    this.end();
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#timesHeard === before) this.#lost();
      else if (this.#everyMs > 0) this.#listen();
    }, patienceMs);
    this.#question();
  }

  /** Watch no more. */
  end() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /**
   * Look again when the silence could have lasted for long enough. One timer, not one per frame.
   */
  #listen() {
    this.end();
    const ms = Math.max(0, this.#heardAt + this.#everyMs - this.#clock.now());
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#clock.now() - this.#heardAt >= this.#everyMs) this.ask(PATIENCE_MS);
      else this.#listen();
    }, ms);
  }
}
