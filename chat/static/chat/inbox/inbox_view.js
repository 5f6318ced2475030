/**
 * A tab of the inbox on the screen: newest first, with related notifications in one entry, kept up
 * to date, and with a way to undo.
 * @module
 */

import { desktopState, turnOn } from '../../notifications/desktop.js';
import { grouped } from '../../notifications/grouping.js';
import { FILTERS, Shelf } from '../../notifications/inbox_list.js';
import { bellCount, inboxWords } from '../../notifications/words.js';
import { onNewDay, paintTimes } from '../lib/day.js';
import {
  clone,
  setChildren as inOrder,
  keepingFocus,
  onAction,
  readJson,
  setText,
  slot,
  toast,
  toastError,
} from '../lib/dom.js';
import { plainText } from '../timeline/message.js';
import { Excerpts } from './excerpts.js';
import { Triage } from './inbox_keyboard.js';
import { paintGroup, paintNotice } from './notice.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../notifications/grouping.js').Group} Group
 * @typedef {import('../app.js').App} App
 */

const MAX_UNDONE = 20; // steps back
const MAX_AT_ONCE = 500; // notifications of one command (docs/protocol.md)
// in localStorage: the person has answered, and is not asked again here
const ASKED = 'holdfast.desktop-asked';

export class InboxView {
  #root;
  #app;
  #feed;
  #shelf;
  #triage;
  /** By key. @type {Map<string, Group>} */
  #groups = new Map();
  /** Keys of those folded out. @type {Set<string>} */
  #open = new Set();
  /** How to take back what was done, the last at the end. @type {(() => Promise<void>)[]} */
  #undo = [];
  #excerpts;
  #loading = false;
  #painting = false;
  #left = new AbortController();

  /**
   * @param {HTMLElement} root
   * @param {App} app
   */
  constructor(root, app) {
    this.#root = root;
    this.#app = app;
    this.#feed = app.feed;
    const data = readJson(root, 'view-data');
    this.#shelf = new Shelf(data.tab, data);
    this.#excerpts = new Excerpts({
      ask: async (subjects) =>
        (await app.api.get('/api/inbox/excerpts', { subjects: subjects.join(',') })).excerpts,
      textOf: (message) => this.#textOf(message),
      changed: () => this.#paintSoon(),
    });
    this.#excerpts.rendered(data.notifications, data.excerpts);
    this.ends = [
      app.feed.on('notification', (row) => {
        this.#shelf.put(row);
        this.#excerpts.want(row);
        this.#paintSoon();
      }),
      app.feed.on('membership', ({ membership }) => {
        if (membership.state !== 'active') this.#excerpts.refresh();
      }),
      app.feed.on('block', () => this.#excerpts.refresh()),
      app.invitations.on('change', () => this.#paintSoon()),
      app.rooms.on('messages', (messages) => this.#excerpts.heard(messages)),
      app.feed.on('reloaded', () => void this.#load().catch(toastError)),
      app.feed.on('unread', () => this.#paintCounts()),
      onNewDay(() => paintTimes(root)),
    ];
    const acts = {
      archive: (/** @type {HTMLElement} */ element) => this.#archive(this.#rowsOf(element)),
      toggleRead: (/** @type {HTMLElement} */ element) => this.#toggleRead(this.#rowsOf(element)),
      fold: (/** @type {HTMLElement} */ element, /** @type {boolean} */ open) =>
        this.#fold(element, open),
      undo: () => void this.#takeBack(),
    };
    this.#triage = new Triage(slot(root, 'list'), acts, app.shortcuts, this.#left.signal);
    onAction(root, {
      read: (_event, element) => this.#toggleRead(this.#rowsOf(element)),
      unread: (_event, element) => this.#toggleRead(this.#rowsOf(element)),
      archive: (_event, element) => this.#archive(this.#rowsOf(element)),
      unarchive: (_event, element) => this.#archive(this.#rowsOf(element)),
      fold: (_event, element) =>
        this.#fold(element, element.getAttribute('aria-expanded') === 'false'),
      'accept-invitation': (_event, element) => this.#answer(element, true),
      'decline-invitation': (_event, element) => this.#answer(element, false),
      'read-all': () => void this.#feed.readAll().catch(toastError),
      older: () => void this.#older(),
      'desktop-on': () => void turnOn().then(() => this.#paintDesktop()),
      'desktop-later': () => {
        localStorage.setItem(ASKED, 'yes');
        this.#paintDesktop();
      },
    });
    // Following a notification means having read it.
    root.addEventListener('click', (event) => this.#followed(event), { capture: true });
    this.#paint();
    this.#paintDesktop();
    void this.#load().catch(() => {}); // what came between the page and the connection
  }

  leave() {
    for (const end of this.ends) end();
    this.#left.abort();
  }

  // -- what is on the tab

  #older() {
    return this.#load(this.#shelf.before).catch(toastError);
  }

  /** @param {number} [before] */
  async #load(before) {
    const filter = FILTERS[this.#shelf.tab];
    const asked = this.#app.api.get('/api/inbox/', { filter, before });
    this.#shelf.loaded(await this.#excerpts.page(asked));
    this.#paint();
  }

  // -- what is done

  /** @param {Element} element @returns {Row[]} */
  #rowsOf(element) {
    const item = /** @type {HTMLElement | null} */ (element.closest('.notice'));
    const key = item?.dataset.key ?? '';
    const row = this.#shelf.get(Number(key));
    return (this.#groups.get(key)?.rows ?? (row ? [row] : [])).slice(0, MAX_AT_ONCE);
  }

  /** Into the archive, or out of it again. @param {Row[]} rows */
  #archive(rows) {
    if (rows.length === 0) return;
    if (this.#shelf.tab === 'archived') {
      return this.#do(
        inboxWords.unarchived(rows.length),
        () => this.#feed.unarchive(ids(rows)),
        () => this.#feed.archive(ids(rows)),
      );
    }
    const unread = ids(rows.filter((row) => row.read_at === null));
    const read = ids(rows.filter((row) => row.read_at !== null));
    return this.#do(
      inboxWords.archived(rows.length),
      () => this.#feed.archive(ids(rows)),
      async () => {
        if (unread.length > 0) await this.#feed.markUnread(unread);
        if (read.length > 0) await this.#feed.unarchive(read);
      },
    );
  }

  /** @param {Row[]} rows */
  #toggleRead(rows) {
    if (rows.length === 0) return;
    const unread = ids(rows.filter((row) => row.read_at === null));
    if (unread.length > 0)
      return this.#do(
        inboxWords.wasRead(unread.length),
        () => this.#feed.read(unread),
        () => this.#feed.markUnread(unread),
      );
    return this.#do(
      inboxWords.wasUnread(rows.length),
      () => this.#feed.markUnread(ids(rows)),
      () => this.#feed.read(ids(rows)),
    );
  }

  /**
   * @param {string} done  the text of the toast
   * @param {() => Promise<void>} act
   * @param {() => Promise<void>} undo
   */
  async #do(done, act, undo) {
    try {
      await act();
      this.#undo.push(undo);
      if (this.#undo.length > MAX_UNDONE) this.#undo.shift();
      toast(done, { label: inboxWords.undo, act: () => void this.#takeBack() });
    } catch (error) {
      toastError(error);
    }
  }

  async #takeBack() {
    const undo = this.#undo.pop();
    if (!undo) return toast(inboxWords.nothingToUndo);
    try {
      await undo();
      toast(inboxWords.undone);
    } catch (error) {
      this.#undo.push(undo);
      toastError(error);
    }
  }

  /**
   * Answer an invitation, which is also having read it.
   * @param {Element} element
   * @param {boolean} accept
   */
  #answer(element, accept) {
    const rows = this.#rowsOf(element);
    const room = rows[0]?.params.room?.id;
    const unread = rows.filter((row) => row.read_at === null);
    if (unread.length > 0) void this.#feed.read(ids(unread)).catch(() => {});
    const { invitations } = this.#app;
    void (accept ? invitations.accept(room) : invitations.decline(room));
  }

  /** @param {Event} event */
  #followed(event) {
    const link = /** @type {Element} */ (event.target).closest('a[data-slot="title"]');
    const unread = link ? this.#rowsOf(link).filter((row) => row.read_at === null) : [];
    // it stays unread, and can be read later
    if (unread.length > 0) void this.#feed.read(ids(unread)).catch(() => {});
  }

  /** @param {HTMLElement} element @param {boolean} open */
  #fold(element, open) {
    const inner = /** @type {HTMLElement | null} */ (element.closest('.notice__items'))?.closest(
      '.notice',
    );
    const item = /** @type {HTMLElement | null} */ (inner ?? element.closest('.notice'));
    const key = item?.dataset.key ?? '';
    if ((this.#groups.get(key)?.rows.length ?? 0) < 2) return;
    if (open) this.#open.add(key);
    else this.#open.delete(key);
    if (inner && !open) slot(/** @type {HTMLElement} */ (item), 'title').focus();
    this.#paint();
  }

  // -- painting

  /** Rows that come together are painted together. */
  #paintSoon() {
    if (this.#painting) return;
    this.#painting = true;
    queueMicrotask(() => {
      this.#painting = false;
      this.#paint();
    });
  }

  #paint() {
    const groups = grouped(this.#shelf.shown);
    this.#groups = new Map(groups.map((group) => [group.key, group]));
    this.#triage.around(() =>
      setChildren(slot(this.#root, 'list'), groups, (element, group) =>
        this.#paintGroup(element, group),
      ),
    );
    slot(this.#root, 'empty').hidden = groups.length > 0 || this.#shelf.more;
    slot(this.#root, 'older').hidden = !this.#shelf.more;
    this.#paintCounts();
    if (groups.length === 0 && this.#shelf.more) void this.#fill();
  }

  /** All that was loaded has left the tab: go on with the next page. */
  async #fill() {
    if (this.#loading) return;
    this.#loading = true;
    await this.#older();
    this.#loading = false;
  }

  /** @param {HTMLElement} element @param {Group} group */
  #paintGroup(element, group) {
    const items = slot(element, 'items');
    const newest = group.rows[0];
    const excerpt = this.#excerpts.get(newest.subject);
    if (group.rows.length === 1) {
      const open =
        newest.kind === 'invitation' && this.#app.invitations.has(newest.params.room?.id);
      paintNotice(element, this.#named(newest), { excerpt, key: group.key, open });
      items.replaceChildren();
      return;
    }
    const open = this.#open.has(group.key);
    const named = group.rows.map((row) => this.#named(row));
    paintGroup(element, { key: group.key, rows: named }, { excerpt, open });
    const single = open ? named.map((row) => ({ key: String(row.id), rows: [row] })) : [];
    setChildren(items, single, (item, { rows: [row] }) =>
      paintNotice(item, row, { excerpt: this.#excerpts.get(row.subject) }),
    );
  }

  /** With the name that its room has now, if I am in the room. @param {Row} row @returns {Row} */
  #named(row) {
    const { room } = row.params;
    const known = room?.name ? this.#app.rooms.get(room.id) : null;
    if (!known || known.title === room.name) return row;
    return { ...row, params: { ...row.params, room: { ...room, name: known.title } } };
  }

  /** @param {Row} message */
  #textOf(message) {
    const withheld = message.deleted_at || message.hidden_at;
    if (withheld || this.#app.blocks.has(message.author.id)) return '';
    return plainText(/** @type {any} */ (message));
  }

  #paintCounts() {
    const unread = this.#feed.unread;
    setText(this.#root, 'summary', words.inboxUnread(unread));
    /** @type {HTMLButtonElement} */ (this.#root.querySelector('[data-do="read-all"]')).disabled =
      unread === 0;
    const count = slot(this.#root, 'tab-count');
    count.hidden = unread === 0;
    count.textContent = bellCount(unread);
  }

  /** The offer to show notifications on the desktop, until it is answered. */
  #paintDesktop() {
    slot(this.#root, 'desktop').hidden =
      desktopState() !== 'ask' || localStorage.getItem(ASKED) !== null;
  }
}

/**
 * Make the children of a list those of `groups`, each kept for as long as it is there.
 * @param {HTMLElement} list
 * @param {Group[]} groups
 * @param {(element: HTMLElement, group: Group) => void} paint
 */
function setChildren(list, groups, paint) {
  const known = new Map(
    [...list.children].map((element) => [
      /** @type {HTMLElement} */ (element).dataset.key,
      /** @type {HTMLElement} */ (element),
    ]),
  );
  const items = groups.map((group) => {
    const element = known.get(group.key) ?? clone('notice-template');
    paint(element, group);
    return element;
  });
  keepingFocus(() => inOrder(list, items));
}

/** @param {Row[]} rows */
const ids = (rows) => rows.map((row) => row.id);
