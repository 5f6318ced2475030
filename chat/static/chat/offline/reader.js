/**
 * Shows the rooms that this device keeps, on the offline page. It is inlined there with
 * kept_store.js. A link is an ordinary one: it opens the page itself as soon as the server answers.
 * @module
 */

import { readKept } from './kept_store.js';

/** As realtime/outbox/entry_store.js stores them. */
const OUTBOX = { name: 'holdfast', version: 1, store: 'outbox', byOwner: 'owner' };

/**
 * @typedef {import('./kept_store.js').KeptRoom} KeptRoom
 * @typedef {import('./kept_store.js').KeptMessage} KeptMessage
 * @typedef {import('./kept_store.js').Contact} Contact
 */

const reader = /** @type {HTMLElement} */ (document.querySelector('[data-reader]'));
const words = reader.dataset;
const language = document.documentElement.lang;
const times = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const ROOM = /^\/rooms\/[-\w]+\//;

/** @param {string} name */
const part = (name) => /** @type {HTMLElement} */ (reader.querySelector(`[data-part="${name}"]`));

/**
 * @param {string} name
 * @param {string} className
 * @param {string} [text]
 */
function made(name, className, text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  element.dir = 'auto';
  return element;
}

/** @param {string | number} at */
function timeOf(at) {
  const element = made('time', 'kept__time', times.format(new Date(at)));
  element.setAttribute('datetime', new Date(at).toISOString());
  return element;
}

/** @param {KeptRoom} room @param {boolean} current */
function linkTo(room, current) {
  const link = /** @type {HTMLAnchorElement} */ (made('a', 'kept__room', room.title));
  link.href = room.url;
  if (current) link.setAttribute('aria-current', 'page');
  if (room.unread > 0) {
    const count = made('span', 'kept__count', String(room.unread));
    count.title = words.unread ?? '';
    link.append(count);
  }
  return link;
}

/** @param {KeptMessage} message */
function textOf({ body, deleted_at, hidden_at }) {
  if (deleted_at) return words.deleted;
  return hidden_at ? words.hiddenText : body;
}

/** @param {{name: string, text?: string, at: string | number, note?: string}} shown */
function itemOf({ name, text, at, note = '' }) {
  const item = made('li', 'kept__message');
  const head = made('p', 'kept__head');
  head.append(made('b', '', name), timeOf(at), made('span', 'kept__time', note));
  item.append(head, made('p', 'kept__text', text));
  return item;
}

/** @param {KeptRoom} room */
function showMessages(room) {
  const list = part('messages');
  const firstUnread =
    room.unread > 0 ? room.messages.find(({ number }) => number > room.read) : null;
  for (const message of room.messages) {
    if (message === firstUnread) list.append(made('li', 'kept__new', words.fresh));
    const { author, created_at: at } = message;
    list.append(itemOf({ name: author.name, text: textOf(message), at }));
  }
}

/** @returns {Promise<IDBDatabase>}  the outbox of the page; it is never made here */
function openOutbox() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(OUTBOX.name, OUTBOX.version);
    request.onupgradeneeded = () => request.transaction?.abort();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} act
 * @returns {Promise<any>}
 */
async function inOutbox(mode, act) {
  const database = await openOutbox();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(OUTBOX.store, mode);
      const request = act(transaction.objectStore(OUTBOX.store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @param {Contact} contact @param {KeptRoom} room */
async function showPending(contact, room) {
  const entries = await inOutbox('readonly', (store) =>
    store.index(OUTBOX.byOwner).getAll(contact.user),
  );
  for (const { orderingKey, command, fields, createdAt } of entries)
    if (orderingKey === `room.${room.id}` && command === 'message.post')
      showWaiting(contact, fields.body, createdAt);
}

/** @param {Contact} contact @param {string} text @param {number} at */
function showWaiting({ name }, text, at) {
  part('messages').append(itemOf({ name, text, at, note: words.waiting }));
}

/** @param {Contact} contact @param {KeptRoom} room */
function listen(contact, room) {
  const form = /** @type {HTMLFormElement} */ (part('composer'));
  const field = /** @type {HTMLTextAreaElement} */ (form.querySelector('textarea'));
  form.hidden = !room.writable;
  field.maxLength = contact.limit;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send().catch(() => {
      part('problem').hidden = false;
    });
  });

  async function send() {
    const body = field.value.trim();
    if (!body) return;
    const entry = {
      ...{ key: crypto.randomUUID(), owner: contact.user, orderingKey: `room.${room.id}` },
      ...{ command: 'message.post', fields: { room: room.id, body }, createdAt: Date.now() },
      ...{ state: 'queued', error: null, retryAt: 0 },
    };
    await inOutbox('readwrite', (store) => store.add(entry));
    field.value = '';
    showWaiting(contact, body, entry.createdAt);
    reader.scrollIntoView({ block: 'end' });
  }
}

async function show() {
  const found = await readKept();
  if (!found || found.rooms.length === 0) return;
  const { contact, rooms } = found;
  const address = ROOM.exec(location.pathname)?.[0];
  const room = address ? rooms.find(({ url }) => url === address) : rooms[0];
  part('as-of').replaceChildren(timeOf(contact.at));
  part('rooms').replaceChildren(...rooms.map((each) => linkTo(each, each === room)));
  part('not-kept').hidden = Boolean(room);
  part('room').hidden = !room;
  if (room) {
    part('title').textContent = room.title;
    document.title = `${room.title} · Holdfast`;
    showMessages(room);
    listen(contact, room);
    await showPending(contact, room).catch(() => {});
  }
  reader.hidden = false;
  /** @type {HTMLElement} */ (document.querySelector('[data-away]')).classList.add('away--small');
  part('messages').lastElementChild?.scrollIntoView({ block: 'end' });
}

// Without storage there is nothing to show, and the page says that the server is away.
void show().catch(() => {});
