/**
 * The traces of a person in this browser, besides cookies: drafts, unsent messages, kept rooms,
 * choices, shown notifications. When their session ends it is taken away, so that the next person finds nothing.
 * @module
 */

import { setCookie } from '../../realtime/lib/cookies.js';
import { EntryStore } from '../../realtime/outbox/entry_store.js';
import { choose, forgetAll } from '../offline/kept_store.js';

const PREFIX = 'holdfast.';
const DRAFT = 'holdfast.draft.';
/** Whose data this is. */
const OWNER = 'holdfast.user';
/** Choices about the device, the same for all its users. */
const OF_THE_DEVICE = new Set(['holdfast.letters']);

/** A cookie, for the address `/`; router.js and the server write it. */
const LAST_ROOM = 'last_room';

/**
 * @typedef {object} Unsent  what its author has written and nobody has received
 * @property {Record<string, string>} drafts  by the key in localStorage
 * @property {any[]} entries  of the outbox
 */

/** True once the data was taken away: nothing more is stored by this page. */
let gone = false;

/** Whether this page may still store anything of the person. */
export const mayStore = () => !gone;

/**
 * The unsent texts of a person.
 * @param {number} user
 * @returns {Promise<Unsent>}
 */
export async function unsentOf(user) {
  const entries = await withStore((store) => store.all(user));
  return { drafts: draftsOf(user), entries };
}

/** @param {Unsent} unsent */
export const isEmpty = ({ drafts, entries }) =>
  entries.length === 0 && Object.keys(drafts).length === 0;

/**
 * Take away everything of a person, also from the screen of the system.
 * @param {number} user
 * @returns {Promise<Unsent>}  what was not sent
 */
export async function takeAway(user) {
  gone = true;
  const drafts = draftsOf(user);
  for (const key of keys()) if (!OF_THE_DEVICE.has(key)) storage()?.removeItem(key);
  // The texts of this tab: the drafts have a shared record of them.
  tabStorage()?.clear();
  setCookie(LAST_ROOM, '', 0);
  const [entries] = await Promise.all([
    withStore((store) => store.take(user, 'own')),
    forgetAll().catch(() => {}),
    closeNotifications(),
    emptyCaches(),
    // The number on the icon of the installed app.
    navigator.clearAppBadge?.().catch(() => {}),
  ]);
  return { drafts, entries };
}

/** Take away the rooms that this device keeps, and the choice to keep them. */
export async function forgetKept() {
  // Without storage there are none.
  await choose(0, false).catch(() => {});
}

/** Show nothing by the back button: browsers keep a whole page, with its scripts, for it. */
export function blankWhenLeft() {
  addEventListener('pagehide', () => document.body.replaceChildren());
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload();
  });
}

/** Put unsent texts back: their author will sign in again here. @param {Unsent} unsent */
export async function putBack({ drafts, entries }) {
  for (const [key, text] of Object.entries(drafts)) storage()?.setItem(key, text);
  await withStore(async (store) => {
    for (const { order: _, ...entry } of entries) await store.add(entry);
    return [];
  });
}

/**
 * Take away what anyone else has left here, for example because the browser was closed before
 * their session ended. Called before a page shows or stores anything.
 * @param {number} user  who is signed in
 */
export function forgetOthers(user) {
  const before = storage()?.getItem(OWNER) ?? null;
  const mine = [`${DRAFT}${user}.`, `${PREFIX}recent.${user}`];
  const personal = [`${DRAFT}`, `${PREFIX}recent.`];
  for (const key of keys()) {
    const isMine = mine.some((start) => key.startsWith(start));
    const isTheirs = personal.some((start) => key.startsWith(start)) && !isMine;
    // The other keys do not name their person; the owner does.
    const isShared = !isMine && !OF_THE_DEVICE.has(key) && before !== null && before !== `${user}`;
    if (isTheirs || isShared) storage()?.removeItem(key);
  }
  if (before !== `${user}`) {
    tabStorage()?.clear();
    void forgetAll().catch(() => {});
  }
  try {
    storage()?.setItem(OWNER, String(user));
  } catch {
    // Storage is full: nothing of this person will be stored either.
  }
  void withStore((store) => store.take(user, 'others'));
}

/** @param {number} user @returns {Record<string, string>} */
function draftsOf(user) {
  const own = keys().filter((key) => key.startsWith(`${DRAFT}${user}.`));
  return Object.fromEntries(own.map((key) => [key, storage()?.getItem(key) ?? '']));
}

/** @returns {string[]} */
const keys = () => Object.keys(storage() ?? {}).filter((key) => key.startsWith(PREFIX));

/** Null: the browser forbids it. @returns {Storage | null} */
function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** The storage of this tab alone. Null: the browser forbids it. @returns {Storage | null} */
function tabStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/**
 * @param {(store: EntryStore) => Promise<any[]>} act
 * @returns {Promise<any[]>}
 */
async function withStore(act) {
  const store = new EntryStore({ report: () => {} });
  try {
    return await act(store);
  } catch {
    return [];
  } finally {
    store.close();
  }
}

async function closeNotifications() {
  const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
}

async function emptyCaches() {
  for (const name of (await globalThis.caches?.keys().catch(() => [])) ?? [])
    await caches.delete(name);
}
