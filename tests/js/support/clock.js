/**
 * A clock that only moves when a test moves it, and chance from a seed.
 * @module
 */

/** Let everything that is ready run: promises, microtasks, messages in flight. */
export function settle() {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

/**
 * A small random number generator (mulberry32): the same seed, the same run.
 * @param {number} seed
 */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

export class FakeClock {
  #now = Date.UTC(2026, 10, 24);
  #lastHandle = 0;
  /** @type {Map<number, {at: number, callback: () => void}>} */
  #timers = new Map();

  /** Half of every interval, unless a test says otherwise. */
  chance = () => 0.5;
  random = () => this.chance();
  now = () => this.#now;

  /**
   * @param {() => void} callback
   * @param {number} ms
   */
  setTimeout = (callback, ms) => {
    this.#lastHandle += 1;
    this.#timers.set(this.#lastHandle, { at: this.#now + ms, callback });
    return this.#lastHandle;
  };

  /** @param {unknown} handle */
  clearTimeout = (handle) => void this.#timers.delete(/** @type {number} */ (handle));

  /** How many timers wait: none may be left behind. */
  get pending() {
    return this.#timers.size;
  }

  /**
   * Move on, running what becomes due in its order and letting its consequences happen.
   * @param {number} ms
   */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** The computer slept: time passed, and no timer ran. @param {number} ms */
  leap(ms) {
    this.#now += ms;
  }
}
