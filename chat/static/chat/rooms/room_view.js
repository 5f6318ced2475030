/**
 * The view of a room: its header, timeline, composer and members, and the actions on messages.
 * @module
 */

import { copyCode } from '../code/blocks.js';
import { Composer } from '../composer/composer.js';
import { onNewDay } from '../lib/day.js';
import { onAction, setText, slot, toastError } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { PerFrame } from '../lib/per_frame.js';
import { Members } from '../people/members.js';
import { personAt } from '../people/profile.js';
import { words as peopleWords } from '../people/words.js';
import { LiveRegion } from '../timeline/live_region.js';
import { MessageTools } from '../timeline/message_tools.js';
import { ReadTracker } from '../timeline/read_tracker.js';
import { Receipts } from '../timeline/receipts.js';
import { Timeline } from '../timeline/timeline.js';
import { roomMenu } from './room_menu.js';
import { RoomSettings } from './room_settings.js';
import { tellUnreached } from './unreached.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('../timeline/message.js').Message} Message
 */

/** The server keeps a typing signal for six seconds. */
const TYPING_EVERY_MS = 3000;
const TICK_MS = 1000;

export class RoomView {
  #root;
  #app;
  #typedAt = 0;
  #liveRegion = new LiveRegion();
  #ticking;
  /** Messages of blocked users that the user expanded, by id. @type {Set<number>} */
  #unfolded = new Set();
  /** @type {(() => void)[]} */
  #ends = [];
  #painting = new PerFrame(() => this.#paint());
  #paintingTyping = new PerFrame(() => this.#paintTyping());
  #paintingPending = new PerFrame(() => this.#paintPending());

  /**
   * @param {HTMLElement} root
   * @param {Room} room
   * @param {App} app
   */
  constructor(root, room, app) {
    this.#root = root;
    this.#app = app;
    this.room = room;
    const context = {
      me: app.me,
      nameOf: (/** @type {number} */ id) => app.people.name(id),
      quoted: (/** @type {number} */ id) => room.quoted(id),
      room: (/** @type {string} */ slug) => app.rooms.bySlug(slug) ?? null,
      permalink: (/** @type {number} */ number) => `${room.url}${number}/`,
      isFolded: (/** @type {Message} */ { author, id = 0 }) =>
        app.blocks.has(author.id) && !this.#unfolded.has(id),
      isEdited: (/** @type {number} */ id) => this.composer?.editingId === id,
      badge: (/** @type {number} */ id) => peopleWords.badge(room.staff.of(id)),
    };
    this.timeline = new Timeline(
      /** @type {HTMLElement} */ (root.querySelector('.timeline')),
      room.history,
      context,
      () => this.#moved(),
    );
    this.composer = new Composer(slot(root, 'composer'), room, {
      limit: app.limits.message,
      meId: app.me.id,
      people: () => app.membersOf(room),
      rooms: () => app.rooms.mine,
      actions: {
        post: (body, replyTo) => this.#post(body, replyTo),
        edit: (message, body) => this.#edit(message, body),
        remove: (message) => this.tools.delete(message),
        marked: () => this.timeline.repaint(),
        lastOfMine: () => this.#lastOfMine(),
        typing: () => this.#sendTyping(),
        join: () => void app.join(room.id, room.url).catch(toastError),
        pickEmoji: (opener, chosen) => app.emoji.open(opener, chosen),
        pickFormat: (opener, chosen) => app.formats.open(opener, chosen),
        shortcut: (event) => app.shortcuts.action('writing', event),
      },
    });
    const panel = /** @type {HTMLElement | null} */ (root.querySelector('[data-slot="members"]'));
    this.members =
      panel &&
      new Members(panel, room, {
        api: app.api,
        me: app.me,
        menu: app.menu,
        dialogs: app.dialogs,
        writeTo: (id) => void app.writeTo(id),
      });
    this.tools = new MessageTools(root, this, app);
    this.receipts = new Receipts(this, app);
    this.readTracker = new ReadTracker(room, this.timeline, app.client);
    // Before anything counts as read.
    this.readTracker.opened();
    this.#listen();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#ends.push(
      room.history.on('change', () => this.#paintingPending.soon()),
      onNewDay(() => this.timeline.newDay()),
    );
    this.#paint();
    this.#paintPending();
    for (const body of this.composer.takeEarly()) this.#post(body, null);
  }

  /**
   * The view is shown, for the first time or again.
   * @param {import('../router.js').Arrival} arrival
   */
  async shown(arrival) {
    this.readTracker.pause();
    if (arrival.way !== 'load') this.readTracker.opened();
    try {
      await this.#arrive(arrival);
    } catch {
      // Offline: the part of the history that is loaded.
      this.timeline.toEnd();
    }
    this.readTracker.release();
    this.readTracker.look();
    this.#moved();
  }

  /** The position of the reader. */
  get place() {
    return this.timeline.place;
  }

  /**
   * The position follows from where the user was and from what is unread.
   * @param {import('../router.js').Arrival} arrival
   */
  async #arrive({ way, number, place }) {
    const { unread, history } = this.room;
    if (place && !(place.end && unread === 0)) {
      await this.room.opening;
      return this.timeline.toPlace(place);
    }
    if (!place && number !== null) return this.goTo(number);
    if (way === 'go' && unread > 0) return this.timeline.toNewLine();
    if (way !== 'load' && !history.following) await history.newest();
    this.timeline.toEnd();
  }

  leave() {
    clearInterval(this.#ticking);
    for (const end of this.#ends) end();
    for (const painting of [this.#painting, this.#paintingTyping, this.#paintingPending])
      painting.stop();
    this.#liveRegion.stop();
    this.readTracker.leave();
    this.receipts.leave();
    this.composer.leave();
    this.timeline.leave();
    this.members?.leave();
    this.#app.rooms.close(this.room);
  }

  /** Show a message of the history. @param {number} number */
  async goTo(number) {
    try {
      await this.room.opening;
      await this.room.history.around(number);
      this.timeline.pointAt(number);
    } catch (error) {
      toastError(error);
    }
  }

  #listen() {
    const { room } = this;
    this.#ends = [
      room.on('change', () => this.#painting.soon()),
      room.on('messages', (messages) => this.#messagesChanged(messages)),
      room.on('staff', () => this.timeline.repaint()),
      room.on('typing', () => this.#paintingTyping.soon()),
      room.on('arrived', (message) => this.#arrived(message)),
      this.#app.outbox.on('change', (entry) => this.#outboxChanged(entry)),
      this.#app.blocks.on('change', () => this.#blocksChanged()),
      this.#app.siteMute.on('change', () => this.#painting.soon()),
      this.#app.heldPosts.on('change', () => this.#paintPending()),
    ];
    this.#root.addEventListener('click', (event) => this.#showPerson(event));
    onKey(this.#root, (event) => this.#personKey(event));
    onAction(this.#root, {
      jump: () => void this.toNewest(),
      'first-unread': () => void this.timeline.toNewLine().catch(toastError),
      'toggle-members': () => this.#toggleMembers(),
      'invite-link': () => new RoomSettings(this.room, this.#app).open('invitations'),
      unfold: (_event, element) =>
        this.#unfold(/** @type {HTMLElement} */ (element.closest('.message'))),
      'set-topic': () => new RoomSettings(this.room, this.#app).open(),
      'copy-code': (_event, element) => void copyCode(element),
      'room-menu': (_event, element) => roomMenu(element, this.room, this.#app),
      retry: (_event, element) => this.#app.outbox.retry(keyOf(element)),
      discard: (_event, element) => this.#discard(keyOf(element)),
    });
  }

  /** @param {Message} message */
  #arrived(message) {
    this.readTracker.arrived(message);
    if (!this.#root.isConnected || this.#app.blocks.has(message.author.id)) return;
    this.#liveRegion.arrived(message);
  }

  /** @param {Event} event */
  #showPerson(event) {
    const found = personAt(event);
    if (found) this.#openProfile(found.opener, found.userId);
  }

  /** P on a message opens its author's profile. @param {KeyboardEvent} event */
  #personKey(event) {
    const element = /** @type {HTMLElement} */ (event.target);
    if (
      !element.classList.contains('message') ||
      this.#app.shortcuts.action('message', event) !== 'profile'
    )
      return;
    event.preventDefault();
    this.#openProfile(element, Number(element.dataset.author));
  }

  /**
   * @param {HTMLElement} opener
   * @param {number} userId
   */
  #openProfile(opener, userId) {
    void this.#app.profile.open(opener, userId, this.room, (user) => this.composer.mention(user));
  }

  /** Expand this message and the collapsed ones directly after it. @param {HTMLElement} first */
  #unfold(first) {
    for (
      let element = /** @type {Element | null} */ (first);
      element?.classList.contains('message--folded');
      element = element.nextElementSibling
    ) {
      this.#unfolded.add(Number(/** @type {HTMLElement} */ (element).dataset.message));
    }
    this.timeline.repaint();
    first.focus();
  }

  #blocksChanged() {
    this.#unfolded.clear();
    this.timeline.repaint();
    this.#paint();
    this.#paintTyping();
  }

  /**
   * A message may be shown several times: as itself, in quotes, and in the composer.
   * @param {Message[]} messages
   */
  #messagesChanged(messages) {
    this.timeline.quoted(messages);
    this.composer.changed(messages);
    this.tools.changed(messages);
    this.#paintingPending.soon();
    this.#liveRegion.changed(messages);
  }

  #moved() {
    this.timeline.paintJump(this.room.unread);
    this.readTracker.look();
  }

  /** Show the end of the room, whatever part of it is loaded. */
  async toNewest() {
    try {
      await this.room.history.newest();
      this.timeline.toEnd();
    } catch (error) {
      toastError(error);
    }
  }

  #tick() {
    this.composer.tick();
    this.#paintTyping();
  }

  #paint() {
    const { data, title } = this.room;
    setText(this.#root, 'room-title', title);
    setText(this.#root, 'room-topic', data.topic);
    if (!this.room.isDirect || this.room.isGroup)
      setText(this.#root, 'member-count', String(this.room.memberCount));
    slot(this.#root, 'room-topic').hidden = data.topic === '';
    slot(this.#root, 'room-locked').hidden = !data.read_only;
    slot(this.#root, 'room-archived').hidden = !data.archived_at;
    const isNew = this.room.canModerate && !data.archived_at && this.room.lastNumber === 0;
    slot(this.#root, 'first-steps').hidden = !isNew;
    slot(this.#root, 'set-topic').hidden = data.topic !== '';
    const receipts = /** @type {HTMLElement | null} */ (
      this.#root.querySelector('[data-slot="receipts-note"]')
    );
    if (receipts) receipts.hidden = !data.read_receipts;
    slot(this.#root, 'not-kept').hidden = !data.kept_since;
    slot(this.#root, 'beginning').hidden = Boolean(data.kept_since);
    if (data.kept_since) setText(this.#root, 'not-kept', words.notKept(data.kept_since));
    this.composer.paint();
    this.timeline.paintJump(this.room.unread);
    this.readTracker.look();
  }

  #paintTyping() {
    const typing = this.room.presence.typing.filter((id) => !this.#app.blocks.has(id));
    const names = typing.map((id) => this.#app.people.name(id)).filter(Boolean);
    setText(this.#root, 'typing-words', words.typing(names));
    slot(this.#root, 'dots').hidden = names.length === 0;
    // Load the missing names.
    if (names.length < typing.length) void this.#app.membersOf(this.room).catch(() => {});
  }

  #paintPending() {
    const unsent = this.#app.outbox.entriesFor(this.room.stream);
    const held = this.#app.heldPosts.in(this.room.id);
    const keys = new Set(held.map(({ key }) => key));
    this.timeline.pending(
      [...held, ...unsent.filter(({ key }) => !keys.has(key))].filter(
        (entry) => !this.room.hasMessage(entry),
      ),
    );
  }

  /** Remove an unsent or a held message. @param {string} key */
  #discard(key) {
    const isHeld = this.#app.heldPosts.in(this.room.id).some((held) => held.key === key);
    if (isHeld) void this.#app.heldPosts.withdraw(key).catch(toastError);
    else this.#app.outbox.discard(key);
  }

  /** @param {import('../../realtime/outbox/outbox.js').Entry} entry */
  #outboxChanged(entry) {
    if (entry.orderingKey !== this.room.stream) return;
    if (entry.state === 'sent') {
      if (entry.result?.message) this.room.messageUpdated(entry.result.message);
      tellUnreached(entry.result?.unreached, this.room, this.#app.api);
      this.composer.posted();
    }
    this.#paintPending();
    this.readTracker.look();
  }

  /**
   * @param {string} body
   * @param {number | null} replyTo
   */
  #post(body, replyTo) {
    const { id, stream } = this.room;
    const fields = { room: id, body, ...(replyTo ? { reply_to: replyTo } : {}) };
    try {
      this.#app.outbox.add({ command: 'message.post', orderingKey: stream, fields });
      this.readTracker.release();
      void this.toNewest();
    } catch (error) {
      toastError(error);
    }
  }

  /**
   * @param {Message} message
   * @param {string} body
   */
  async #edit(message, body) {
    try {
      const fields = { message: message.id, body, edited_at: message.edited_at };
      const reply = await this.#app.client.command('message.edit', fields);
      this.room.messageUpdated(reply.message);
      tellUnreached(reply.unreached, this.room, this.#app.api);
      return true;
    } catch (error) {
      toastError(error);
      return false;
    }
  }

  #lastOfMine() {
    const mine = this.room.history.rows.filter(
      (row) => row.author.id === this.#app.me.id && !row.deleted_at && !row.hidden_at,
    );
    return /** @type {Message | null} */ (/** @type {any} */ (mine.at(-1) ?? null));
  }

  #sendTyping() {
    const now = Date.now();
    if (now - this.#typedAt < TYPING_EVERY_MS) return;
    this.#typedAt = now;
    // A lost typing signal needs no error.
    this.#app.client.command('room.typing', { room: this.room.id }).catch(() => {});
  }

  #toggleMembers() {
    if (!this.members) return;
    const open = !this.members.isOpen;
    if (open) void this.members.open();
    else this.members.close();
    this.#root.classList.toggle('view--with-panel', open);
    this.#root.querySelector('.bar__people')?.setAttribute('aria-expanded', String(open));
    if (!open)
      /** @type {HTMLElement | null} */ (this.#root.querySelector('.bar__people'))?.focus();
  }
}

/** @param {Element} element */
function keyOf(element) {
  return /** @type {HTMLElement | null} */ (element.closest('.message'))?.dataset.key ?? '';
}
