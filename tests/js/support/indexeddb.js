/**
 * The part of IndexedDB that entry_store.js uses, in memory. One `FakeIndexedDB` is one browser
 * profile, which outlives its pages.
 * @module
 */

export class FakeIndexedDB {
  /** `open` never answers. */
  silent = false;
  /** `open` fails. */
  denied = false;
  /** Writing fails, as on a full disk. */
  full = false;
  /** @type {Map<number, any>} */
  rows = new Map();
  lastOrder = 0;
  created = false;

  /** @returns {any} */
  get factory() {
    return this;
  }

  /** @returns {any} */
  open() {
    /** @type {any} */
    const request = {};
    if (this.silent) return request;
    queueMicrotask(() => {
      if (this.denied) {
        request.error = new Error('denied');
        return request.onerror();
      }
      request.result = new FakeDatabase(this);
      if (!this.created) request.onupgradeneeded();
      this.created = true;
      return request.onsuccess();
    });
    return request;
  }
}

class FakeDatabase {
  #profile;
  #closed = false;

  /** @param {FakeIndexedDB} profile */
  constructor(profile) {
    this.#profile = profile;
  }

  createObjectStore() {
    return { createIndex() {} };
  }

  close() {
    this.#closed = true;
  }

  transaction() {
    if (this.#closed) throw new Error('the database is closed');
    /** @type {any} */
    const transaction = { error: null };
    transaction.objectStore = () => new FakeObjectStore(this.#profile, transaction);
    return transaction;
  }
}

class FakeObjectStore {
  #profile;
  #transaction;

  /**
   * @param {FakeIndexedDB} profile
   * @param {any} transaction
   */
  constructor(profile, transaction) {
    this.#profile = profile;
    this.#transaction = transaction;
  }

  /** @param {any} row */
  add(row) {
    return this.#write(() => {
      this.#profile.lastOrder += 1;
      this.#profile.rows.set(
        this.#profile.lastOrder,
        structuredClone({ ...row, order: this.#profile.lastOrder }),
      );
      return this.#profile.lastOrder;
    });
  }

  /** @param {any} row */
  put(row) {
    return this.#write(() => void this.#profile.rows.set(row.order, structuredClone(row)));
  }

  /** @param {number} order */
  delete(order) {
    return this.#write(() => void this.#profile.rows.delete(order));
  }

  getAll() {
    return this.#request(() => structuredClone([...this.#profile.rows.values()]));
  }

  index() {
    return {
      getAll: (/** @type {number} */ owner) =>
        this.#request(() => {
          const owned = [...this.#profile.rows.values()].filter((row) => row.owner === owner);
          return structuredClone(owned.sort((a, b) => a.order - b.order));
        }),
    };
  }

  /** @param {() => unknown} work */
  #write(work) {
    return this.#profile.full ? this.#abort() : this.#request(work);
  }

  #abort() {
    queueMicrotask(() => {
      this.#transaction.error = new Error('the disk is full');
      this.#transaction.onabort();
    });
    return {};
  }

  /** @param {() => unknown} work */
  #request(work) {
    const request = { result: /** @type {unknown} */ (undefined) };
    queueMicrotask(() => {
      request.result = work();
      queueMicrotask(() => this.#transaction.oncomplete());
    });
    return request;
  }
}
