/**
 * Rows that survive a reload: one IndexedDB object store, or memory where there is none.
 *
 * Private windows, full disks, blocked upgrades and Safari's opens that never answer all end in
 * memory, with `durable` false: what is written is still sent, it only does not survive the page.
 * @module
 */

/** @typedef {import('../types.js').Report} Report */

export const DATABASE_NAME = 'holdfast';
const DATABASE_VERSION = 1;
const STORE = 'outbox';
const BY_OWNER = 'owner';
/**
 * Safari has left opens unanswered for ever; what a person writes does not wait longer than this to
 * be sent.
 */
export const OPEN_TIMEOUT_MS = 4_000;
const OPEN_STEPS = 20;

/**
 * @typedef {object} StoredRow
 * @property {number} [order]  given by `add`: grows with every row, over all tabs
 * @property {number} owner  the user's id
 * @property {string} key
 *
 * @typedef {object} Rows  Where rows are kept.
 * @property {boolean} durable  survives a reload
 * @property {(row: any) => Promise<number>} add  returns the row's `order`
 * @property {(row: any) => Promise<void>} put  replaces the row of the same `order`
 * @property {(order: number) => Promise<void>} delete
 * @property {(owner: number) => Promise<any[]>} all  the owner's rows by `order`
 * @property {() => void} close
 */

/**
 * Open the durable rows, or those in memory. Never rejects.
 * @param {{indexedDB?: IDBFactory | null, report: Report, timeoutMs?: number}} options
 * @returns {Promise<Rows>}
 */
export async function openRows({
  indexedDB = globalThis.indexedDB,
  report,
  timeoutMs = OPEN_TIMEOUT_MS,
}) {
  if (!indexedDB) return new MemoryRows();
  try {
    return new DurableRows(await open(indexedDB, timeoutMs));
  } catch (error) {
    report(error, 'the outbox is kept in memory');
    return new MemoryRows();
  }
}

/**
 * Rows that may be used before they are open: what is asked of them meanwhile is done then, in its
 * order.
 * @implements {Rows}
 */
export class OpeningRows {
  /** Until they are open, nothing is known to be lost. */
  durable = true;
  #rows;

  /** @param {Promise<Rows>} opening */
  constructor(opening) {
    this.#rows = opening;
    void opening.then(({ durable }) => (this.durable = durable));
  }

  /** @param {StoredRow} row */
  async add(row) {
    return (await this.#rows).add(row);
  }

  /** @param {StoredRow} row */
  async put(row) {
    return (await this.#rows).put(row);
  }

  /** @param {number} order */
  async delete(order) {
    return (await this.#rows).delete(order);
  }

  /** @param {number} owner */
  async all(owner) {
    return (await this.#rows).all(owner);
  }

  close() {
    void this.#rows.then((rows) => rows.close());
  }
}

/** @implements {Rows} */
export class MemoryRows {
  durable = false;
  /** @type {Map<number, any>} */
  #rows = new Map();
  #last = 0;

  /** @param {StoredRow} row */
  async add(row) {
    this.#last += 1;
    this.#rows.set(this.#last, { ...row, order: this.#last });
    return this.#last;
  }

  /** @param {StoredRow} row */
  async put(row) {
    this.#rows.set(/** @type {number} */ (row.order), { ...row });
  }

  /** @param {number} order */
  async delete(order) {
    this.#rows.delete(order);
  }

  /** @param {number} owner */
  async all(owner) {
    return [...this.#rows.values()]
      .filter((row) => row.owner === owner)
      .sort((a, b) => a.order - b.order);
  }

  close() {}
}

/** @implements {Rows} */
class DurableRows {
  durable = true;
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
    // A newer page in another tab wants to change the layout: it must not wait for this one.
    database.onversionchange = () => database.close();
  }

  /** @param {StoredRow} row */
  add(row) {
    return this.#run('readwrite', (store) => store.add(row)).then(Number);
  }

  /** @param {StoredRow} row */
  put(row) {
    return this.#run('readwrite', (store) => store.put(row)).then(() => {});
  }

  /** @param {number} order */
  delete(order) {
    return this.#run('readwrite', (store) => store.delete(order)).then(() => {});
  }

  /** @param {number} owner */
  all(owner) {
    return this.#run('readonly', (store) => store.index(BY_OWNER).getAll(owner));
  }

  close() {
    this.#database.close();
  }

  /**
   * Resolves when the transaction is complete, not when the request is: only then is the row on
   * disk.
   * @template Value
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<Value>} request
   * @returns {Promise<Value>}
   */
  #run(mode, request) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(STORE, mode);
      const made = request(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(made.result);
      transaction.onabort = () =>
        reject(transaction.error ?? new Error('the transaction was aborted'));
    });
  }
}

/**
 * @param {IDBFactory} indexedDB
 * @param {number} timeoutMs
 * @returns {Promise<IDBDatabase>}
 */
function open(indexedDB, timeoutMs) {
  return new Promise((resolve, reject) => {
    let late = false;
    const answered = patiently(timeoutMs, () => {
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
      if (late) request.result.close();
      else resolve(request.result);
    };
    request.onerror = () => {
      answered();
      reject(request.error);
    };
  });
}

/**
 * Give up after so long, in steps: a page that was busy itself may find the answer waiting, and
 * takes it between two of them.
 * @param {number} ms
 * @param {() => void} giveUp
 * @returns {() => void}  ends the wait
 */
function patiently(ms, giveUp) {
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
