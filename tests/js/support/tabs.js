/**
 * What the tabs of one browser share: locks and a channel.
 * @module
 */

export class FakeLocks {
  /** @type {{begin: () => void}[]} */
  #waiting = [];
  #held = false;

  /**
   * @param {string} name
   * @param {{signal: AbortSignal}} options
   * @param {() => Promise<void>} callback
   * @returns {Promise<void>}
   */
  request(name, { signal }, callback) {
    return new Promise((resolve, reject) => {
      const waiter = {
        begin: () => {
          this.#held = true;
          callback()
            .then(resolve, reject)
            .finally(() => this.#release());
        },
      };
      signal.addEventListener('abort', () => {
        const index = this.#waiting.indexOf(waiter);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        reject(new Error(`gave up waiting for ${name}`));
      });
      if (this.#held) this.#waiting.push(waiter);
      else waiter.begin();
    });
  }

  /** A frozen tab holds the lock; the browser takes it away when the tab dies. @returns {() => void}  the tab dies */
  freeze() {
    this.#held = true;
    return () => this.#release();
  }

  #release() {
    this.#held = false;
    this.#waiting.shift()?.begin();
  }
}

/** Make channels that hear each other, but not themselves. */
export class FakeChannels {
  /** @type {Set<any>} */
  #open = new Set();

  /** @returns {any} */
  join() {
    const channel = {
      /** @type {((message: {data: any}) => void) | null} */
      onmessage: null,
      postMessage: (/** @type {any} */ value) => {
        if (!this.#open.has(channel)) throw new Error('the channel is closed');
        const copy = structuredClone(value);
        for (const other of this.#open) if (other !== channel) queueMicrotask(() => other.onmessage?.({ data: copy }));
      },
      close: () => void this.#open.delete(channel),
    };
    this.#open.add(channel);
    return channel;
  }
}
