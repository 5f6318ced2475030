/**
 * The page as a whole: one connection, the rooms, and the view. Navigation replaces the view but
 * keeps the connection.
 * @module
 */

import { Announcements } from '../notifications/announcements.js';
import { Banner } from '../notifications/banner.js';
import { Bell } from '../notifications/bell.js';
import { announceVisibility, Desktop } from '../notifications/desktop.js';
import { InboxFeed } from '../notifications/feed.js';
import { Api } from '../realtime/api.js';
import { Client } from '../realtime/client.js';
import { followPageLifecycle } from '../realtime/connection/page_lifecycle.js';
import { learnServerTime } from '../realtime/lib/server_clock.js';
import { Session } from '../realtime/session.js';
import { sharedTransport } from '../realtime/tabs/shared_socket.js';
import { endSession, isOver } from './account/session_end.js';
import { pressAgain } from './composer/early_messages.js';
import { EmojiPicker } from './composer/emoji_picker.js';
import { FormatMenu } from './composer/format_menu.js';
import { Connection } from './connection.js';
import './inbox/kinds.js';
import { watchDay } from './lib/day.js';
import { Dialogs } from './lib/dialogs.js';
import { followDisplay, onDisplay, unreadFirst } from './lib/display.js';
import { onAction, toast, toastError } from './lib/dom.js';
import { fitAboveKeyboard } from './lib/keyboard.js';
import { onKey } from './lib/keys.js';
import { Menu, moveWithArrows, placeBeside } from './lib/menu.js';
import { refuseFiles } from './lib/no_files.js';
import { PerFrame } from './lib/per_frame.js';
import { toRegion } from './lib/regions.js';
import { Shortcuts } from './lib/shortcuts.js';
import { ShortcutsView } from './lib/shortcuts_view.js';
import { whenIdle } from './lib/when_idle.js';
import { KeptRooms } from './offline/kept_rooms.js';
import { Blocks } from './people/blocks.js';
import { People } from './people/people.js';
import { Profile } from './people/profile.js';
import { RaidBanner } from './people/raid_banner.js';
import { SiteMute } from './people/site_mute.js';
import { HeldPosts } from './rooms/held_posts.js';
import { roomMenu } from './rooms/room_menu.js';
import { Rooms } from './rooms/rooms.js';
import { Router } from './router.js';
import { SearchField } from './search/search_field.js';
import { Switcher } from './search/switcher.js';
import { Favourites } from './sidebar/favourites.js';
import { Invitations } from './sidebar/invitations.js';
import { RecentRooms } from './sidebar/recent_rooms.js';
import { neighbour } from './sidebar/room_order.js';
import { Sidebar } from './sidebar/sidebar.js';
import { allowPictures } from './timeline/pictures.js';
import { linkRooms } from './timeline/room_links.js';
import { UnreadBadge } from './unread_badge.js';
import { words } from './words.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {import('../realtime/types.js').User} User
 * @typedef {import('./rooms/room.js').Room} Room
 *
 * @typedef {object} Boot  The data that the server put into the page (chat/pages/page_data.py).
 * @property {User & {moderator: boolean}} me
 * @property {string} epoch
 * @property {import('./rooms/types.js').Listed[]} rooms
 * @property {boolean} more_rooms
 * @property {string} session  differs after every sign-in
 * @property {import('./sidebar/invitations.js').Invitation[]} invitations
 * @property {BootInbox} inbox
 * @property {{message: number}} limits
 * @property {string[]} image_hosts
 * @property {import('./people/blocks.js').Block[]} blocks
 * @property {import('./people/site_mute.js').MuteRow | null} site_mute
 * @property {import('./people/raid_banner.js').Raid} raid
 * @property {import('./rooms/held_posts.js').HeldPost[]} held_posts
 */

/**
 * @typedef {object} BootInbox
 * @property {number} seq
 * @property {number} unread
 * @property {string} since
 * @property {import('../notifications/news.js').Choices} preferences
 */

const PATH = '/ws/chat/';
/** For completion of names. In larger rooms, only people seen on the page complete as well. */
const MEMBERS_LOADED = 200;

export class App {
  /** @type {Map<number, Promise<User[]>>} */
  #members = new Map();
  /** The session has ended, and its traces are being removed. */
  #over = false;
  #counting = new PerFrame(() => this.#count());

  /**
   * @param {Boot} boot
   * @param {import('../realtime/outbox/outbox.js').Outbox} outbox
   */
  constructor(boot, outbox) {
    this.me = boot.me;
    this.limits = boot.limits;
    learnServerTime(boot.inbox.since);
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
    this.api = new Api({ onEpoch: (epoch) => this.client.checkEpoch(epoch) });
    this.dialogs = new Dialogs(this.api);
    this.emoji = new EmojiPicker();
    this.menu = new Menu();
    this.blocks = new Blocks(boot.blocks, this);
    this.siteMute = new SiteMute(boot.site_mute, this);
    this.raid = new RaidBanner(document.querySelector('[data-raid]'), boot.raid, this);
    this.heldPosts = new HeldPosts(boot.held_posts, this);
    this.rooms = new Rooms(boot.rooms, this, boot.more_rooms);
    this.feed = new InboxFeed(this.client, this.api);
    this.announcements = new Announcements(this.client, this.api);
    this.favourites = new Favourites(this.api, this.rooms);
    this.badge = new UnreadBadge();
    this.recent = new RecentRooms(boot.me.id);
    this.shortcuts = new Shortcuts(this.#keys());
    this.formats = new FormatMenu(this.shortcuts.mac);
    this.switcher = new Switcher(this);
    this.invitations = new Invitations(
      /** @type {HTMLElement} */ (document.getElementById('sidebar')),
      boot.invitations,
      this,
    );
    followDisplay(this.feed, this.api);
    this.sidebar = new Sidebar(
      /** @type {HTMLElement} */ (document.getElementById('sidebar')),
      this,
      (opener, room) => roomMenu(opener, room, this),
    );
    const check = () => this.api.get('/api/announcements/');
    const session = new Session({
      client: this.client,
      check,
      changed: () => {
        this.connection.paint();
        void this.#followSession(session, check);
      },
    });
    this.connection = new Connection(this.client, session, check);
    this.client.on('state', () => void this.#followSession(session, check));
    this.profile = new Profile(this);
    this.router = new Router(this);
    new KeptRooms(this, boot.session);
    this.search = new SearchField(
      /** @type {HTMLFormElement} */ (document.getElementById('search')),
      (url) => {
        this.drawer(false);
        void this.go(url);
      },
    );
    this.#listen();
    announceVisibility();
    watchDay();
    refuseFiles();
    fitAboveKeyboard();
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
    followPageLifecycle(this.client);
    this.client.start();
    pressAgain();
    // After the first answer: the room that is open comes before the others.
    this.client.on('hello', () => whenIdle(() => void this.rooms.loadMore()));
  }

  /** @param {string} url */
  go(url) {
    return this.router.go(url);
  }

  /**
   * People who can be mentioned in a room. Loaded once; without a connection, the people seen on
   * the page.
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
        limit: MEMBERS_LOADED,
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

  /** Open the direct conversation with a person. @param {number} userId */
  async writeTo(userId) {
    try {
      const room = this.rooms.added(await this.api.post('/api/rooms/direct', { user: userId }));
      await this.go(room.url);
    } catch (error) {
      toastError(error);
    }
  }

  /** @param {Room} room */
  markRead(room) {
    // A view of the room also updates its unread line.
    if (this.router.markRead(room)) return;
    room.readTo(room.lastNumber);
    this.client.command('room.read', { room: room.id, number: room.lastNumber }).catch(toastError);
  }

  async markAllRead() {
    try {
      for (const room of this.rooms.mine) {
        if (!this.router.markRead(room)) room.readTo(room.lastNumber);
      }
      await this.client.command('room.read_all', {});
      toast(words.allRead);
    } catch (error) {
      toastError(error);
    }
  }

  /** @param {string} text */
  async copy(text) {
    const done = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    if (done) toast(words.linkCopied);
    else toastError(words.copyFailed);
  }

  showShortcuts() {
    document.getElementById('my-menu')?.hidePopover();
    new ShortcutsView(this.shortcuts).open();
  }

  /** The actions of the page's shortcuts. @returns {Record<string, () => void>} */
  #keys() {
    const step =
      (/** @type {1 | -1} */ way, unread = false) =>
      () => {
        const options = { unread, unreadFirst: unreadFirst() };
        const room = neighbour(this.rooms.mine, this.router.room?.id ?? null, way, options);
        if (room) void this.go(room.url);
      };
    return {
      switch: () => this.switcher.toggle(),
      search: () => this.search.open(),
      previous: step(-1),
      next: step(1),
      previousUnread: step(-1, true),
      nextUnread: step(1, true),
      nextRegion: () => toRegion(1),
      previousRegion: () => toRegion(-1),
      markRead: () => this.#escape(),
      markAllRead: () => void this.markAllRead(),
      help: () => this.showShortcuts(),
    };
  }

  /** Esc closes what is open, or marks the room as read. */
  #escape() {
    const { room } = this.router;
    if (this.drawerIsOpen) this.drawer(false);
    else if (room?.isMember) {
      this.markRead(room);
      this.router.toNewest();
    }
  }

  /**
   * @param {Session} session
   * @param {() => Promise<unknown>} check
   */
  async #followSession(session, check) {
    const { state } = this.client;
    if (session.checking || this.#over || state.name !== 'stopped') return;
    if (!(await isOver(state, check)) || this.#over) return;
    this.#over = true;
    this.router.end();
    await endSession(state, this.me.id);
    this.outbox.clear();
  }

  get drawerIsOpen() {
    return /** @type {HTMLElement} */ (document.querySelector('.app')).dataset.drawer === 'open';
  }

  #count() {
    this.router.paintTitle();
    this.badge.show(this.rooms);
  }

  #listen() {
    onKey(/** @type {HTMLElement} */ (document.getElementById('my-menu')), moveWithArrows);
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
    // A text that was deleted does not come back, whatever the server loses.
    this.rooms.on('messages', (messages) => {
      for (const { key, deleted_at, hidden_at } of messages)
        if (deleted_at || hidden_at) this.outbox.forget(key);
    });
    this.feed.on('reading', ({ announcement }) => this.announcements.wasRead(announcement));
    this.feed.on('block', (row) => this.blocks.update(/** @type {any} */ (row)));
    this.blocks.on('others', () => void this.rooms.count().catch(() => {}));
    this.feed.on('site_mute', (row) => this.siteMute.update(/** @type {any} */ (row)));
    this.feed.on('notification', ({ kind }) => {
      if (kind === 'raid') void this.raid.reload().catch(() => {});
    });
    this.feed.on('held_post', (row) => this.heldPosts.update(/** @type {any} */ (row)));
    this.feed.on('reloaded', () => {
      void this.raid.reload().catch(() => {});
      void this.blocks.reload().catch(() => {});
      void this.siteMute.reload().catch(() => {});
      void this.heldPosts.reload().catch(() => {});
      void this.invitations.reload().catch(() => {});
    });
    this.feed.on('membership', (told) => {
      void this.invitations.membershipChanged(told.membership);
      void this.rooms.ownMembershipPushed(told);
    });
    this.rooms.on('change', () => this.#counting.soon());
    onDisplay('language', () =>
      toast(words.otherLanguage, { label: words.reload, act: () => location.reload() }),
    );
    // Links to rooms that were not known before.
    this.rooms.on('more', () => {
      for (const body of /** @type {NodeListOf<HTMLElement>} */ (
        document.querySelectorAll('.message [data-slot="body"]')
      ))
        linkRooms(body, (slug) => this.rooms.bySlug(slug) ?? null);
    });
    onAction(document, {
      reconnect: () => this.client.retryNow(),
      'open-drawer': () => this.drawer(true),
      'close-drawer': () => this.drawer(false),
      'create-room': () => void this.#createRoom(),
      'find-people': () => void this.#findPeople(),
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
    // The rest of the page cannot be reached while the drawer is open, so focus its first link.
    /** @type {HTMLElement} */ (document.getElementById('main')).inert = open;
    /** @type {HTMLElement | null} */ (
      document.querySelector(open ? '#sidebar a' : '[data-do="open-drawer"]')
    )?.focus();
  }

  // Both go on when the dialog is closed: a dialog that closes gives the focus back to its opener.

  async #createRoom() {
    let url = '';
    await this.dialogs.createRoom(async (fields) => {
      url = this.rooms.added(await this.api.post('/api/rooms/', fields)).url;
    });
    if (url) await this.go(url);
  }

  async #findPeople() {
    let url = '';
    await this.dialogs.findPeople(this.me.id, async (people) => {
      const users = people.map(({ id }) => id);
      url = this.rooms.added(await this.api.post('/api/rooms/direct', { users })).url;
    });
    if (url) await this.go(url);
  }

  /** @param {HTMLElement} opener */
  #myMenu(opener) {
    const menu = /** @type {HTMLElement} */ (document.getElementById('my-menu'));
    menu.showPopover();
    placeBeside(menu, opener);
    /** @type {HTMLElement | null} */ (menu.querySelector('[role="menuitem"]'))?.focus();
  }
}
