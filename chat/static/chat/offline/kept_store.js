/**
 * The rooms that a device keeps for reading without a connection: one IndexedDB database, apart from
 * the outbox. It is empty unless the user has asked for it on this device
 * (docs/decisions/0032-rooms-are-kept-for-who-asks.md).
 *
 * The offline page contains this file, so it imports nothing.
 * @module
 */

const DATABASE = 'holdfast-offline';
const ROOMS = 'rooms';
const CONTACT = 'contact';
/** The choice of this device, with the id of the user who made it. */
const CHOICE = 'holdfast.offline';

const MAX_ROOMS = 20;
/** As many as a snapshot of a room has, so that a snapshot replaces all of them. */
const MAX_MESSAGES = 50;
/** Of the texts of one room; older messages leave first. */
const MAX_CHARACTERS = 250_000;
/** Without a connection a device cannot learn of a ban or a sign-out, so it shows nothing older. */
const MAX_AGE_MS = 7 * 24 * 3600_000;
/** A clock may be set back; what comes from the future is not shown. */
const CLOCK_ERROR_MS = 3600_000;

/**
 * @typedef {object} KeptMessage
 * @property {number} id
 * @property {number} number
 * @property {{id: number, name: string}} author
 * @property {string} body
 * @property {string} created_at
 * @property {string | null} deleted_at
 * @property {string | null} [hidden_at]
 *
 * @typedef {object} KeptRoom
 * @property {number} id
 * @property {string} url
 * @property {string} title
 * @property {number | null} seq  the position of its stream when it was kept
 * @property {number} read  the number up to which the user has read it
 * @property {number} unread
 * @property {boolean} writable
 * @property {number} openedAt
 * @property {KeptMessage[]} messages  oldest first
 *
 * @typedef {object} Contact  The last contact with the server.
 * @property {number} user
 * @property {string} name
 * @property {string} session  differs after every sign-in and every new password
 * @property {number} at
 * @property {number} limit  of a message
 */

/** Whether this user has asked for it on this device. @param {number} user */
export function isWanted(user) {
  try {
    return localStorage.getItem(CHOICE) === String(user);
  } catch {
    return false;
  }
}

/** @param {number} user @param {boolean} wanted */
export async function choose(user, wanted) {
  if (wanted) localStorage.setItem(CHOICE, String(user));
  else localStorage.removeItem(CHOICE);
  if (!wanted) await forgetAll();
}

/** Everything that may be shown now, the room that was opened last first; null: nothing. */
export async function readKept() {
  const found = await run('readonly', (rooms, contact) => [contact.get(CONTACT), rooms.getAll()]);
  const contact = /** @type {Contact | undefined} */ (found[0]);
  if (!contact || !isWanted(contact.user)) return null;
  const age = Date.now() - contact.at;
  if (age > MAX_AGE_MS || age < -CLOCK_ERROR_MS) {
    await forgetAll();
    return null;
  }
  const rooms = /** @type {KeptRoom[]} */ (found[1]);
  return { contact, rooms: rooms.sort((one, other) => other.openedAt - one.openedAt) };
}

/** The server has answered this user. Rooms of another session leave. @param {Contact} now */
export async function noteContact(now) {
  if (!isWanted(now.user)) return;
  await run('readwrite', (rooms, contact) => {
    const asked = contact.get(CONTACT);
    asked.onsuccess = () => {
      /** @type {Contact | undefined} */
      const before = asked.result;
      if (before && (before.user !== now.user || before.session !== now.session)) rooms.clear();
      contact.put(now, CONTACT);
    };
    return [];
  });
}

/**
 * Keep a room; the one that was opened longest ago leaves. A page whose session another tab has
 * ended keeps nothing: the contact is gone too, and only an answer of the server brings it back.
 * @param {number} user
 * @param {KeptRoom} room
 */
export async function keepRoom(user, room) {
  if (!isWanted(user)) return;
  const kept = { ...room, messages: bounded(room.messages) };
  await run('readwrite', (rooms, contact) => {
    const asked = contact.get(CONTACT);
    asked.onsuccess = () => {
      if (asked.result?.user !== user) return;
      rooms.put(kept);
      const all = rooms.getAll();
      all.onsuccess = () => {
        const newestFirst = all.result.sort((one, other) => other.openedAt - one.openedAt);
        for (const { id } of newestFirst.slice(MAX_ROOMS)) rooms.delete(id);
      };
    };
    return [];
  });
}

/** @param {number} id */
export async function forgetRoom(id) {
  await run('readwrite', (rooms) => [rooms.delete(id)]);
}

/** Remove everything, of any user. */
export async function forgetAll() {
  await run('readwrite', (rooms, contact) => [rooms.clear(), contact.clear()]);
}

/** The newest messages without a hole. @param {KeptMessage[]} messages */
function bounded(messages) {
  const kept = [];
  let left = MAX_CHARACTERS;
  for (const message of messages.slice(-MAX_MESSAGES).reverse()) {
    left -= message.body.length;
    if (left < 0) break;
    kept.unshift(message);
  }
  return kept;
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(rooms: IDBObjectStore, contact: IDBObjectStore) => IDBRequest[]} act
 * @returns {Promise<any[]>}  the results, once the transaction is complete
 */
async function run(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction([ROOMS, CONTACT], mode);
      const made = act(transaction.objectStore(ROOMS), transaction.objectStore(CONTACT));
      transaction.oncomplete = () => resolve(made.map(({ result }) => result));
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ROOMS, { keyPath: 'id' });
      request.result.createObjectStore(CONTACT);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
