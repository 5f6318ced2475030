/**
 * Work that is done once for all that happened since the last frame: in a busy room the page would measure and draw for each message else.
 * @module
 */

const WITHOUT_FRAMES_MS = 250; // a page that nobody sees has none, and its title counts all the same

export class PerFrame {
  #work;
  #waiting = false;

  /** @param {() => void} work */
  constructor(work) {
    this.#work = work;
  }

  /** With the next frame. */
  soon() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => this.now());
    setTimeout(() => this.now(), WITHOUT_FRAMES_MS);
  }

  /** What waits is needed now. */
  now() {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#work();
  }

  /** What waits is not needed any more. */
  stop() {
    this.#waiting = false;
  }
}
