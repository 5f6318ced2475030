/**
 * Entries of the outbox that survive a reload: one IndexedDB object store, or memory without one.
 *
 * Private windows, full disks, blocked upgrades and Safari's opens that never answer all end in
 * memory, with `durable` false: entries are still sent, but they do not survive the page.
 * @module
 */

/** @typedef {import('../types.js').Report} Report */

const DATABASE_NAME = 'holdfast';
const DATABASE_VERSION = 1;
const STORE = 'outbox';
const BY_OWNER = 'owner';
/** Safari has left opens unanswered for ever; entries wait no longer than this to be sent. */
const OPEN_TIMEOUT_MS = 4_000;
const OPEN_STEPS = 20;

/**
 * @typedef {object} StoredEntry
 * @property {number | null} [order]  given by `add`: grows with every entry, over all tabs
 * @property {number} owner  the user's id
 * @property {string} key
 */

/** Usable at once: operations wait until the database is open, and run in their order. */
export class EntryStore {
  /** Entries survive a reload. Assumed until opening fails. */
  durable = true;
  #opening;
  /** Used without a database. @type {Map<number, any>} */
  #memory = new Map();
  #lastOrder = 0;

  /** @param {{indexedDB?: IDBFactory | null, report: Report, timeoutMs?: number}} options */
  constructor({ indexedDB = globalThis.indexedDB, report, timeoutMs = OPEN_TIMEOUT_MS }) {
    this.#opening = this.#open(indexedDB, timeoutMs, report);
  }

  /**
   * @param {StoredEntry & Record<string, any>} entry
   * @returns {Promise<number>}  its `order`
   */
  async add(entry) {
    const database = await this.#opening;
    if (database) return Number(await run(database, 'readwrite', (store) => store.add(entry)));
    this.#lastOrder += 1;
    this.#memory.set(this.#lastOrder, { ...entry, order: this.#lastOrder });
    return this.#lastOrder;
  }

  /** Replace the entry of the same `order`. @param {StoredEntry & Record<string, any>} entry */
  async put(entry) {
    const database = await this.#opening;
    if (database) await run(database, 'readwrite', (store) => store.put(entry));
    else this.#memory.set(/** @type {number} */ (entry.order), { ...entry });
  }

  /** @param {number} order */
  async delete(order) {
    const database = await this.#opening;
    if (database) await run(database, 'readwrite', (store) => store.delete(order));
    else this.#memory.delete(order);
  }

  /**
   * The owner's entries by `order`.
   * @param {number} owner
   * @returns {Promise<any[]>}
   */
  async all(owner) {
    const database = await this.#opening;
    if (database) {
      return run(database, 'readonly', (store) => store.index(BY_OWNER).getAll(owner));
    }
    return [...this.#memory.values()]
      .filter((entry) => entry.owner === owner)
      .sort((a, b) => a.order - b.order);
  }

  /**
   * Remove entries and return them: the owner's, or those of everyone else.
   * @param {number} owner
   * @param {'own' | 'others'} which
   * @returns {Promise<any[]>}
   */
  async take(owner, which) {
    const database = await this.#opening;
    const stored = database
      ? await run(database, 'readonly', (store) => store.getAll())
      : [...this.#memory.values()];
    const taken = stored.filter((entry) => (entry.owner === owner) === (which === 'own'));
    for (const { order } of taken) await this.delete(order);
    return taken;
  }

  close() {
    void this.#opening.then((database) => database?.close());
  }

  /**
   * @param {IDBFactory | null | undefined} indexedDB
   * @param {number} timeoutMs
   * @param {Report} report
   * @returns {Promise<IDBDatabase | null>}  null: entries are kept in memory
   */
  async #open(indexedDB, timeoutMs, report) {
    try {
      if (indexedDB) return await open(indexedDB, timeoutMs);
    } catch (error) {
      report(error, 'the outbox is kept in memory');
    }
    this.durable = false;
    return null;
  }
}

/**
 * Resolves when the transaction is complete, not when the request is: only then is the entry on
 * disk.
 * @template Value
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<Value>} request
 * @returns {Promise<Value>}
 */
function run(database, mode, request) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const made = request(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(made.result);
    transaction.onabort = () =>
      reject(transaction.error ?? new Error('the transaction was aborted'));
  });
}

/**
 * @param {IDBFactory} indexedDB
 * @param {number} timeoutMs
 * @returns {Promise<IDBDatabase>}
 */
function open(indexedDB, timeoutMs) {
  return new Promise((resolve, reject) => {
    let late = false;
    const answered = giveUpAfter(timeoutMs, () => {
      late = true;
      reject(new Error('IndexedDB does not answer'));
    });
    const request = indexedDB.open(DATABASE_NAME, DATABASE_VERSION);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(STORE, {
        keyPath: 'order',
        autoIncrement: true,
      });
      store.createIndex(BY_OWNER, 'owner');
      store.createIndex('key', 'key', { unique: true });
    };
    request.onsuccess = () => {
      answered();
      const database = request.result;
      if (late) return database.close();
      // A newer page in another tab that upgrades the database must not wait for this one.
      database.onversionchange = () => database.close();
      resolve(database);
    };
    request.onerror = () => {
      answered();
      reject(request.error);
    };
  });
}

/**
 * Give up after a time, in steps: a page that was busy may find the answer waiting in the queue,
 * and handles it between two steps.
 * @param {number} ms
 * @param {() => void} giveUp
 * @returns {() => void}  ends the wait
 */
function giveUpAfter(ms, giveUp) {
  let steps = OPEN_STEPS;
  const step = () => {
    steps -= 1;
    if (steps < 0) giveUp();
    else timer = setTimeout(step, ms / OPEN_STEPS);
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  step();
  return () => clearTimeout(timer);
}
