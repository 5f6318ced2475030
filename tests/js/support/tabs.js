/**
 * The locks and the channel that the tabs of one browser share.
 * @module
 */

/** @typedef {{name: string, begin: () => void, lose: () => void, gone: boolean}} Request */

export class FakeLocks {
  /** @type {Map<string, {holder: Request | null, waiting: Request[]}>} */
  #locks = new Map();

  /**
   * @param {string} name
   * @param {{signal?: AbortSignal, steal?: boolean}} options
   * @param {() => Promise<void>} callback
   * @returns {Promise<void>}
   */
  request(name, { signal, steal = false }, callback) {
    return this.#request(name, { signal, steal }, callback).promise;
  }

  /**
   * The locks as one tab has them. When it dies, the browser takes away what it holds and waits
   * for.
   */
  tab() {
    /** @type {Set<Request>} */
    const mine = new Set();
    let alive = true;
    let asked = false;
    // Before the first request of a page, a browser finds out whether the page may store anything:
    // its messages arrive earlier.
    const line = (/** @type {() => void} */ up) => {
      if (asked) return queueMicrotask(up);
      setImmediate(() => {
        asked = true;
        up();
      });
    };
    const request = (
      /** @type {string} */ name,
      /** @type {{signal?: AbortSignal, steal?: boolean}} */ options,
      /** @type {() => Promise<void>} */ callback,
    ) => {
      if (!alive) return new Promise(() => {});
      const { request, promise } = this.#request(name, options, callback, line);
      mine.add(request);
      return promise;
    };
    const die = () => {
      alive = false;
      for (const request of mine) this.#drop(request);
    };
    return { request, die };
  }

  /**
   * A frozen tab holds the lock; the browser takes it away when the tab dies.
   * @returns {() => void}  the tab dies
   */
  freeze(name = 'holdfast-outbox-7') {
    const request = { name, begin() {}, lose() {}, gone: false };
    this.#lock(name).holder = request;
    return () => this.#drop(request);
  }

  /** The requests that wait for the lock or hold it. @param {string} name */
  count(name) {
    const { holder, waiting } = this.#lock(name);
    return waiting.length + (holder ? 1 : 0);
  }

  /**
   * @param {string} name
   * @param {{signal?: AbortSignal, steal?: boolean}} options
   * @param {() => Promise<void>} callback
   * @param {(up: () => void) => void} [line]
   */
  #request(name, { signal, steal }, callback, line = queueMicrotask) {
    const lock = this.#lock(name);
    /** @type {Request} */
    let request = { name, begin() {}, lose() {}, gone: false };
    const promise = /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        request = {
          name,
          gone: false,
          begin: () =>
            void callback()
              .then(resolve, reject)
              .finally(() => this.#drop(request)),
          lose: () => reject(new DOMException(`${name} was stolen`, 'AbortError')),
        };
        signal?.addEventListener('abort', () => {
          if (lock.holder === request) return;
          request.gone = true;
          if (lock.waiting.includes(request)) lock.waiting.splice(lock.waiting.indexOf(request), 1);
          reject(new DOMException(`gave up waiting for ${name}`, 'AbortError'));
        });
      })
    );
    line(() => {
      if (request.gone) return;
      if (steal) {
        lock.holder?.lose();
        lock.holder = null;
        lock.waiting.unshift(request);
      } else lock.waiting.push(request);
      this.#grant(name);
    });
    return { request, promise };
  }

  /** @param {string} name */
  #grant(name) {
    const lock = this.#lock(name);
    if (lock.holder !== null || lock.waiting.length === 0) return;
    lock.holder = /** @type {Request} */ (lock.waiting.shift());
    lock.holder.begin();
  }

  /** @param {Request} request */
  #drop(request) {
    request.gone = true;
    const lock = this.#lock(request.name);
    if (lock.waiting.includes(request)) lock.waiting.splice(lock.waiting.indexOf(request), 1);
    if (lock.holder !== request) return;
    lock.holder = null;
    this.#grant(request.name);
  }

  /** @param {string} name */
  #lock(name) {
    const lock = this.#locks.get(name) ?? { holder: null, waiting: [] };
    this.#locks.set(name, lock);
    return lock;
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
        for (const other of this.#open)
          if (other !== channel)
            queueMicrotask(() => this.#open.has(other) && other.onmessage?.({ data: copy }));
      },
      close: () => void this.#open.delete(channel),
    };
    this.#open.add(channel);
    return channel;
  }
}
