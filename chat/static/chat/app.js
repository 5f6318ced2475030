/**
 * The page as a whole: one connection, the rooms on it, and which view is shown. Going somewhere
 * replaces the view, never the connection.
 * @module
 */

import { Announcements } from '../notifications/announcements.js';
import { Banner } from '../notifications/banner.js';
import { Bell } from '../notifications/bell.js';
import { Desktop, showThatSomebodyLooks } from '../notifications/desktop.js';
import { InboxFeed } from '../notifications/feed.js';
import { Api } from '../realtime/api.js';
import { Client } from '../realtime/client.js';
import { listenToBrowser } from '../realtime/connection/page_lifecycle.js';
import { Session } from '../realtime/session.js';
import { sharedTransport } from '../realtime/tabs/shared_socket.js';
import { EmojiPicker } from './composer/emoji_picker.js';
import { FormatMenu } from './composer/format_menu.js';
import { Connection } from './connection.js';
import { Counters } from './counters.js';
import './inbox/kinds.js';
import { Dialogs } from './lib/dialogs.js';
import { complain, onAction, toast } from './lib/dom.js';
import { makeRoomForKeyboard } from './lib/keyboard.js';
import { Menu, moveWithArrows, placeBeside } from './lib/menu.js';
import { PerFrame } from './lib/per_frame.js';
import { Shortcuts } from './lib/shortcuts.js';
import { ShortcutsView } from './lib/shortcuts_view.js';
import { Blocks } from './people/blocks.js';
import { People } from './people/people.js';
import { Profile } from './people/profile.js';
import { SiteMute } from './people/site_mute.js';
import { roomMenu } from './rooms/room_menu.js';
import { Rooms } from './rooms/rooms.js';
import { Router } from './router.js';
import { SearchField } from './search/search_field.js';
import { Switcher } from './search/switcher.js';
import { Favourites } from './sidebar/favourites.js';
import { Recent } from './sidebar/recent.js';
import { neighbour } from './sidebar/room_order.js';
import { Sidebar } from './sidebar/sidebar.js';
import { allowPictures } from './timeline/pictures.js';
import { words } from './words.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {import('../realtime/types.js').User} User
 * @typedef {import('./rooms/room.js').Room} Room
 *
 * @typedef {object} Boot  What the server wrote into the page (chat/page_data.py).
 * @property {User & {moderator: boolean}} me
 * @property {string} epoch
 * @property {import('./rooms/room.js').Listed[]} rooms
 * @property
 *   {{seq: number, unread: number, since: string, preferences: import('../notifications/news.js').Choices}}
 *   inbox
 * @property {{message: number}} limits
 * @property {string[]} image_hosts
 * @property {import('./people/blocks.js').Block[]} blocks
 * @property {import('./people/site_mute.js').MuteRow | null} site_mute
 */

const PATH = '/ws/chat/';
const MEMBERS_ASKED = 200; // for completion of names; larger rooms complete those who have been met

export class App {
  /** @type {Map<number, Promise<User[]>>} */
  #members = new Map();
  #counting = new PerFrame(() => this.#count());

  /**
   * @param {Boot} boot
   * @param {import('../realtime/outbox/outbox.js').Outbox} outbox
   */
  constructor(boot, outbox) {
    this.me = boot.me;
    this.limits = boot.limits;
    this.outbox = outbox;
    allowPictures(boot.image_hosts);
    this.people = new People();
    this.people.learn(boot.me);
    this.client = new Client({
      path: PATH,
      epoch: boot.epoch,
      outbox,
      transport: sharedTransport({ path: PATH, user: boot.me.id }),
    });
    this.api = new Api({ onEpoch: (epoch) => this.client.heardEpoch(epoch) });
    this.dialogs = new Dialogs(this.api);
    this.emoji = new EmojiPicker();
    this.menu = new Menu();
    this.blocks = new Blocks(boot.blocks, this);
    this.siteMute = new SiteMute(boot.site_mute, this);
    this.rooms = new Rooms(boot.rooms, this);
    this.feed = new InboxFeed(this.client, this.api);
    this.announcements = new Announcements(this.client, this.api);
    this.favourites = new Favourites(this.api, this.rooms);
    this.counters = new Counters();
    this.recent = new Recent(boot.me.id);
    this.shortcuts = new Shortcuts(this.#keys());
    this.formats = new FormatMenu(this.shortcuts.mac);
    this.switcher = new Switcher(this);
    this.sidebar = new Sidebar(
      /** @type {HTMLElement} */ (document.getElementById('sidebar')),
      this.rooms,
      this.favourites,
      (opener, room) => roomMenu(opener, room, this),
    );
    const ask = () => this.api.get('/api/announcements/');
    const session = new Session({
      client: this.client,
      ask,
      told: () => this.connection.paint(),
    });
    this.connection = new Connection(this.client, session, ask);
    this.profile = new Profile(this);
    this.router = new Router(this);
    this.search = new SearchField(
      /** @type {HTMLFormElement} */ (document.getElementById('search')),
      (url) => {
        this.drawer(false);
        void this.go(url);
      },
    );
    this.#listen();
    showThatSomebodyLooks();
    makeRoomForKeyboard();
    this.desktop = new Desktop({
      feed: this.feed,
      user: boot.me.id,
      since: boot.inbox.since,
      history: () => `${boot.me.id} ${this.client.epoch}`.replaceAll(' ', '/'),
      isMuted: (place) => this.rooms.get(Number(place?.replace(/^room\./, '')))?.isQuiet ?? false,
      isBlocked: (user) => user !== null && this.blocks.has(user),
      open: (url) => void this.go(url),
      icon: /** @type {HTMLLinkElement} */ (document.querySelector('link[rel="icon"]')).href,
    });
    this.feed.follow(boot.me.id, boot.inbox);
    this.announcements.follow();
  }

  start() {
    this.router.start();
    listenToBrowser(this.client);
    this.client.start();
  }

  /** @param {string} url */
  go(url) {
    return this.router.go(url);
  }

  /**
   * Those who can be mentioned in a room. Asked for once; without a connection, those who have been
   * met.
   * @param {Room} room
   * @returns {Promise<User[]>}
   */
  membersOf(room) {
    const asked = this.#members.get(room.id) ?? this.#askMembers(room);
    this.#members.set(room.id, asked);
    return asked;
  }

  /** @param {Room} room */
  async #askMembers(room) {
    try {
      const { members } = await this.api.get(`/api/rooms/${room.id}/members`, {
        limit: MEMBERS_ASKED,
      });
      for (const { user } of members) this.people.learn(user);
      return members
        .map((/** @type {Row} */ member) => member.user)
        .filter((/** @type {User} */ user) => user.id !== this.me.id);
    } catch (error) {
      this.#members.delete(room.id);
      throw error;
    }
  }

  /**
   * @param {number} roomId
   * @param {string} url
   */
  async join(roomId, url) {
    await this.client.command('room.join', { room: roomId });
    const room = this.rooms.added(await this.api.get(`/api/rooms/${roomId}/`));
    toast(words.joined(room.title));
    await this.go(url);
  }

  /** Open the conversation with one person. @param {number} userId */
  async writeTo(userId) {
    try {
      const room = this.rooms.added(await this.api.post('/api/rooms/direct', { user: userId }));
      await this.go(room.url);
    } catch (error) {
      complain(error);
    }
  }

  /** @param {Room} room */
  markRead(room) {
    if (this.router.markRead(room)) return; // the view that shows it knows how
    room.readTo(room.lastNumber);
    this.client.command('room.read', { room: room.id, number: room.lastNumber }).catch(complain);
  }

  async markAllRead() {
    try {
      for (const room of this.rooms.mine) {
        if (!this.router.markRead(room)) room.readTo(room.lastNumber);
      }
      await this.client.command('room.read_all', {});
      toast(words.allRead);
    } catch (error) {
      complain(error);
    }
  }

  /** @param {string} text */
  async copy(text) {
    const done = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    if (done) toast(words.linkCopied);
    else complain(words.copyFailed);
  }

  showShortcuts() {
    document.getElementById('my-menu')?.hidePopover();
    new ShortcutsView(this.shortcuts).open();
  }

  /** What the shortcuts of the page do. @returns {Record<string, () => void>} */
  #keys() {
    const step =
      (/** @type {1 | -1} */ way, unread = false) =>
      () => {
        const room = neighbour(this.rooms.mine, this.router.room?.id ?? null, way, { unread });
        if (room) void this.go(room.url);
      };
    return {
      switch: () => this.switcher.toggle(),
      search: () => this.search.open(),
      previous: step(-1),
      next: step(1),
      previousUnread: step(-1, true),
      nextUnread: step(1, true),
      markRead: () => this.#escape(),
      markAllRead: () => void this.markAllRead(),
      help: () => this.showShortcuts(),
    };
  }

  /** Esc closes what is open; where nothing is, the room is read. */
  #escape() {
    const { room } = this.router;
    if (this.drawerIsOpen) this.drawer(false);
    else if (room?.isMember) this.markRead(room);
  }

  get drawerIsOpen() {
    return /** @type {HTMLElement} */ (document.querySelector('.app')).dataset.drawer === 'open';
  }

  #count() {
    this.router.paintTitle();
    this.counters.show(this.rooms);
  }

  #listen() {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll('[data-bell]')
    )) {
      const bell = new Bell(element);
      this.feed.on('unread', (unread) => bell.show(unread));
    }
    const banner = new Banner(
      /** @type {HTMLElement} */ (document.querySelector('[data-banners]')),
      (id) => void this.announcements.read(id),
    );
    this.announcements.on('change', (shown) => banner.show(shown));
    this.feed.on('reading', ({ announcement }) => this.announcements.wasRead(announcement));
    this.feed.on('block', (row) => this.blocks.tell(/** @type {any} */ (row)));
    this.feed.on('site_mute', (row) => this.siteMute.tell(/** @type {any} */ (row)));
    this.feed.on('reloaded', () => {
      void this.blocks.reload().catch(() => {});
      void this.siteMute.reload().catch(() => {});
    });
    this.feed.on('membership', (told) => void this.rooms.tellMine(told));
    this.rooms.on('change', () => this.#counting.soon());
    onAction(document, {
      reconnect: () => this.client.retryNow(),
      'open-drawer': () => this.drawer(true),
      'close-drawer': () => this.drawer(false),
      'create-room': () => void this.#createRoom(),
      'find-person': () =>
        void this.dialogs.findPerson(words.newDirectMessage, (person) => this.writeTo(person.id)),
      switch: () => this.switcher.toggle(),
      shortcuts: () => this.showShortcuts(),
      'mark-all-read': () => void this.markAllRead(),
      'my-menu': (_event, element) => this.#myMenu(element),
      reload: () => location.reload(),
    });
    this.shortcuts.listen(document);
  }

  /** @param {boolean} open */
  drawer(open) {
    const app = /** @type {HTMLElement} */ (document.querySelector('.app'));
    if ((app.dataset.drawer === 'open') === open) return;
    app.dataset.drawer = open ? 'open' : 'closed';
    // In the drawer the rest of the page is out of reach; its first link is where one starts.
    /** @type {HTMLElement} */ (document.getElementById('main')).inert = open;
    /** @type {HTMLElement | null} */ (
      document.querySelector(open ? '#sidebar a' : '[data-do="open-drawer"]')
    )?.focus();
  }

  #createRoom() {
    return this.dialogs.createRoom(async (fields) => {
      const room = this.rooms.added(await this.api.post('/api/rooms/', fields));
      await this.go(room.url);
    });
  }

  /** @param {HTMLElement} opener */
  #myMenu(opener) {
    const menu = /** @type {HTMLElement} */ (document.getElementById('my-menu'));
    menu.addEventListener('keydown', moveWithArrows);
    menu.showPopover();
    placeBeside(menu, opener);
    /** @type {HTMLElement | null} */ (menu.querySelector('[role="menuitem"]'))?.focus();
  }
}
