/**
 * Runs work once per frame, however many changes happened since the last one. In a busy room, the
 * page would otherwise measure and draw for each message. All work shares one frame request,
 * because a request for each cost more than some of the work.
 * @module
 */

// A hidden page gets no frames, but its title still shows the unread count.
const HIDDEN_PAGE_MS = 250;

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

  /** Run with the next frame. */
  soon() {
    if (this.#waiting) return;
    this.#waiting = true;
    if (queue.push(this) > 1) return;
    frame = requestAnimationFrame(runAll);
    timer = setTimeout(runAll, HIDDEN_PAGE_MS);
  }

  /** Run scheduled work now. */
  now() {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#work();
  }

  /** Cancel scheduled work. */
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
      // The other work still runs.
      reportError(error);
    }
  }
}
