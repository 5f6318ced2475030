/**
 * Work that is done once for all that happened since the last frame: in a busy room the page would
 * measure and draw for each message else. All of it waits for one frame together: asking the
 * browser for one each cost more than some of the work.
 * @module
 */

// a page that nobody sees has none, and its title counts all the same
const WITHOUT_FRAMES_MS = 250;

/** @type {PerFrame[]} */
let queue = [];
let frame = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

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
    if (queue.push(this) > 1) return;
    frame = requestAnimationFrame(runAll);
    timer = setTimeout(runAll, WITHOUT_FRAMES_MS);
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

function runAll() {
  cancelAnimationFrame(frame);
  clearTimeout(timer);
  const due = queue;
  queue = [];
  for (const each of due) {
    try {
      each.now();
    } catch (error) {
      reportError(error); // and the others are not kept waiting by it
    }
  }
}
