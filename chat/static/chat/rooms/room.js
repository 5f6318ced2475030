/**
 * One room as this page knows it: its data, the user's membership, unread messages, presence, and,
 * once it was opened, its messages.
 * @module
 */

import { realClock, reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';
import { serverNow } from '../../realtime/lib/server_clock.js';
import { History } from '../../realtime/streams/history.js';
import { enumerated } from '../lib/words.js';
import { Presence } from '../people/presence.js';
import { Quotes } from '../timeline/quotes.js';
import { MemberCount } from './member_count.js';
import { QuietTime } from './quiet.js';
import { Staff } from './staff.js';
import { UnreadMessages } from './unread.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').StreamEvent} StreamEvent
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {import('./types.js').Listed} Listed
 * @typedef {import('./types.js').Opened} Opened
 * @typedef {import('./types.js').RoomContext} RoomContext
 * @typedef {import('./types.js').RoomEvents} RoomEvents
 */

/** Messages in the page at once; the others are loaded when the user scrolls there. */
const MAX_MESSAGES_SHOWN = 200;

export class Room {
  #context;
  /** @type {Row | null} */
  #membership = null;
  #quietTime = new QuietTime(() => this.#emitter.emit('change', undefined), realClock);
  /** @type {Emitter<RoomEvents>} */
  #emitter = new Emitter(reportToConsole);
  #unread;
  /** @type {Message[] | null} */
  #prerendered = null;
  #quotes;
  #count;

  /** @param {Listed} listed @param {RoomContext} context */
  constructor(listed, context) {
    this.#context = context;
    this.data = listed.room;
    this.membership = listed.membership;
    this.partner = listed.partner ?? null;
    this.people = listed.people ?? [];
    this.presence = new Presence(
      context.me.id,
      () => context.client.command('room.presence', { room: this.id }),
      (what) => this.#emitter.emit(what, undefined),
    );
    /** The room was shown, and its messages are kept up to date. */
    this.opened = false;
    this.staff = new Staff();
    /** The room had no owner when it was opened, and the user may become it. */
    this.mayTakeOver = false;
    /** Resolves when the window of the page is in the history. */
    this.opening = Promise.resolve();
    for (const person of [this.partner, ...this.people]) context.people.learn(person);
    this.#unread = new UnreadMessages(listed);
    this.history = new History({ load: (wanted) => this.#load(wanted), limit: MAX_MESSAGES_SHOWN });
    this.#quotes = new Quotes({
      inside: (id) => /** @type {any} */ (this.history.byId(id)),
      find: async (id) => (await context.api.get(`/api/messages/${id}/`)).message,
      found: (messages) => this.#emitter.emit('messages', messages),
    });
    this.#count = new MemberCount(
      async () =>
        (await context.api.get(`/api/rooms/${this.id}/members`, { limit: 1 })).member_count,
      () => this.#emitter.emit('change', undefined),
      realClock,
    );
    this.history.on('change', ({ changed }) => {
      for (const row of changed) this.#learn(/** @type {any} */ (row));
    });
  }

  get id() {
    return /** @type {number} */ (this.data.id);
  }

  get stream() {
    return `room.${this.id}`;
  }

  get url() {
    return `/rooms/${this.data.slug}/`;
  }

  get title() {
    if (this.isGroup) return enumerated(this.people.map(({ name }) => name));
    return this.partner?.name ?? (this.data.name || this.data.slug);
  }

  /** A direct conversation of more than two people. */
  get isGroup() {
    return this.people.length > 0;
  }

  get isDirect() {
    return this.data.kind === 'direct';
  }

  get isMember() {
    return this.membership?.state === 'active';
  }

  /** The other user of a direct room of two is blocked. */
  get partnerBlocked() {
    return this.partner !== null && (this.#context.blocks?.has(this.partner.id) ?? false);
  }

  /** The end of the user's mute on the whole site; it may be in the past. */
  get siteMutedUntil() {
    return this.#context.siteMute?.until ?? null;
  }

  /** The user's own membership. */
  get membership() {
    return this.#membership;
  }

  set membership(membership) {
    this.#membership = membership;
    this.#quietTime.set(membership?.quiet_until ?? null);
  }

  /** The room notifies the user of nothing, for a time or until they change it. */
  get isQuiet() {
    return this.membership?.involvement === 'nothing' || this.quietUntil !== null;
  }

  /** When the room notifies the user again; null: it does so now, or has no such time. */
  get quietUntil() {
    return this.membership?.involvement === 'nothing' ? null : this.#quietTime.until;
  }

  get unread() {
    return this.isMember ? this.#unread.count : 0;
  }

  get mentions() {
    return this.isMember ? this.#unread.mentions : 0;
  }

  /** The unread messages that are shown; none of a quiet room. */
  get waiting() {
    return this.isQuiet ? 0 : this.unread;
  }

  get isFavourite() {
    return this.isMember && this.membership?.favourite === true;
  }

  get favouriteOrder() {
    return /** @type {number} */ (this.membership?.favourite_order ?? 0);
  }

  get memberCount() {
    return this.#count.value;
  }

  get readNumber() {
    return this.#unread.read;
  }

  /** The first unread message from a number on; null: there is none. @param {number} [number] */
  firstUnread(number = this.readNumber + 1) {
    return this.isMember ? this.#unread.firstFrom(number) : null;
  }

  get lastNumber() {
    return this.#unread.last;
  }

  get canModerate() {
    return (
      !this.isDirect &&
      (this.#context.me.moderator || (this.isMember && this.membership?.role !== 'member'))
    );
  }

  /**
   * @template {keyof RoomEvents} Name
   * @param {Name} name
   * @param {(value: RoomEvents[Name]) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Follow the room's stream after `seq`, or from a new snapshot. Following again starts from
   * there.
   * @param {number | null} seq
   */
  follow(seq) {
    this.#context.client.subscribe(this.stream, {
      position: seq,
      apply: (events) => this.#apply(events),
      load: () => this.#context.api.get(`/api/rooms/${this.id}/`),
      replace: (snapshot) => this.#replace(snapshot),
      signal: (signal) => this.presence.receive(signal),
      closed: (reason) => this.#closed(reason),
    });
  }

  unfollow() {
    this.#context.client.unsubscribe(this.stream);
    this.#count.stop();
  }

  /** Use the data that the server rendered into a page. @param {Opened} opened */
  open(opened) {
    this.data = opened.room;
    this.membership = opened.membership;
    this.mayTakeOver = opened.may_take_over;
    this.#count.set(opened.member_count);
    this.staff.replace(opened.staff);
    this.opened = true;
    this.#quotes.keep(opened.quoted);
    this.#unread.opened(opened);
    this.#keepFrom();
    this.history.saw(this.data.last_number);
    if (opened.newest) this.history.open(/** @type {any} */ (opened.messages));
    else this.opening = this.#openAround(opened);
    // Messages between the page's seq and the stream's position were not kept, because the room was
    // not open. So the server sends them again.
    this.follow(opened.seq);
    this.#emitter.emit('change', undefined);
  }

  /** @param {Opened} opened */
  #openAround({ messages, number }) {
    this.#prerendered = messages;
    // A page of older messages has no number of its own; use the one of its middle.
    return this.history.around(number ?? messages[Math.floor(messages.length / 2)]?.number ?? 1);
  }

  /** @param {Record<string, any>} wanted @returns {Promise<any[]>} */
  async #load(wanted) {
    const prerendered = this.#prerendered;
    this.#prerendered = null;
    if (prerendered) return prerendered;
    const answer = await this.#quotes.from(
      this.#context.api.get(`/api/rooms/${this.id}/messages`, wanted),
    );
    return answer.messages;
  }

  /** @param {Row} snapshot */
  #replace(snapshot) {
    this.data = snapshot.room;
    this.membership = snapshot.membership;
    this.#unread = new UnreadMessages(/** @type {any} */ (snapshot));
    this.#quotes.replace(snapshot.quoted);
    this.#count.set(snapshot.member_count);
    this.staff.replace(snapshot.staff);
    this.#keepFrom();
    if (this.opened) this.history.open(snapshot.messages);
    this.#emitter.emit('messages', snapshot.messages);
    this.#emitter.emit('change', undefined);
  }

  /** @param {StreamEvent[]} events */
  #apply(events) {
    const messages = events
      .filter(({ kind }) => kind === 'message')
      .map(({ data }) => /** @type {any} */ (data));
    const { me, blocks } = this.#context;
    const arrived = messages.filter((message) =>
      this.#unread.saw(message, me.id, blocks?.has(message.author.id)),
    );
    this.#changed(messages);
    for (const message of messages) this.presence.stoppedTyping(message.author.id);
    for (const message of arrived) this.#emitter.emit('arrived', message);
    for (const { kind, data } of events) {
      if (kind === 'membership') this.#memberChanged(data);
      if (kind === 'room') this.#roomChanged(data);
    }
    this.#emitter.emit('change', undefined);
    this.#emitter.emit('typing', undefined);
  }

  /** @param {Message[]} messages */
  #changed(messages) {
    if (messages.length === 0) return;
    if (this.opened) {
      this.#quotes.changed(messages);
      this.history.apply(/** @type {any} */ (messages));
    }
    this.#emitter.emit('messages', messages);
  }

  /** @param {Row} data */
  #roomChanged(data) {
    // In the event, `last_number` is as of the room's own change; later messages have raised it.
    this.#unread.exists(data.last_number);
    this.data = { ...data, last_number: this.lastNumber };
    this.#keepFrom();
  }

  /** Older messages are no longer kept. */
  #keepFrom() {
    this.#unread.keepFrom(this.data.first_number);
    this.#quotes.keepFrom(this.data.first_number);
    this.history.keepFrom(this.data.first_number);
  }

  /** @param {Row} data */
  #memberChanged(data) {
    this.#context.people.learn(data.user);
    if (this.staff.changed(data)) this.#emitter.emit('staff', undefined);
    // The room's events omit the private parts of the user's own membership.
    if (data.user.id === this.#context.me.id)
      this.membership = { ...this.membership, ...data, read_number: this.readNumber };
    this.#emitter.emit('member', data);
    if (this.opened) this.#count.changed();
  }

  /** The server has counted what is unread. @param {any} listed */
  counted(listed) {
    this.#unread.counted(listed);
    this.#emitter.emit('change', undefined);
  }

  /** Apply a membership from a reply. @param {Row} membership */
  memberUpdated(membership) {
    this.#memberChanged(membership);
  }

  /**
   * Apply the user's membership from the inbox, whose read number is the present one.
   * @param {Row} membership
   * @param {number} seq
   */
  ownMembershipPushed(membership, seq) {
    if (this.#unread.readReported(membership.read_number, seq)) this.#markedUnread();
    this.#setOwnMembership(membership);
  }

  /**
   * Apply the user's membership from an answer, which may be older than the inbox.
   * @param {Row} membership
   */
  ownMembershipReceived(membership) {
    this.readTo(membership.read_number);
    this.#setOwnMembership(membership);
  }

  /** @param {Row} membership */
  #setOwnMembership(membership) {
    this.membership = { ...this.membership, ...membership };
    // The user joined again: load what happened meanwhile.
    if (this.isMember && !this.#context.client.stream(this.stream)) this.follow(null);
    this.#emitter.emit('change', undefined);
  }

  /** The user has read up to here, in this tab. @param {number} number */
  readTo(number) {
    if (number <= this.readNumber) return;
    this.#unread.readTo(number);
    this.#emitter.emit('change', undefined);
  }

  /**
   * Mark a message and everything after it as unread.
   * @param {number} number
   */
  async markUnread(number) {
    const before = this.readNumber;
    this.#unread.markUnread(number);
    this.#emitter.emit('back', this.readNumber + 1);
    this.#emitter.emit('change', undefined);
    try {
      const { seq } = await this.#context.client.command('room.unread', { room: this.id, number });
      if (this.#unread.markedUnread(/** @type {number} */ (seq))) this.#markedUnread();
      await this.#countMentions();
    } catch (error) {
      if (this.#unread.markedUnread(0)) this.#markedUnread();
      else this.readTo(before);
      throw error;
    }
  }

  /** Messages were marked as unread elsewhere, down to the present read number. */
  #markedUnread() {
    this.#emitter.emit('back', this.readNumber + 1);
    this.#emitter.emit('change', undefined);
    void this.#countMentions();
  }

  /**
   * Load the mentions, because old ones are not known here. Without an answer, they are counted as
   * ordinary messages.
   */
  async #countMentions() {
    const snapshot = await this.#context.api.get(`/api/rooms/${this.id}/`).catch(() => null);
    if (!snapshot) return;
    this.counted(snapshot);
  }

  /**
   * Has the message of an outbox entry arrived before the reply to its command? It is recognised by
   * its key, because a filter or a hook may have changed its text.
   * @param {import('../timeline/pending.js').Pending} entry
   */
  hasMessage({ state, key }) {
    // a key is unique only among the messages of its author
    const me = this.#context.me.id;
    return (
      state !== 'failed' && this.history.rows.some((row) => row.key === key && row.author.id === me)
    );
  }

  /** Apply a message from a reply. @param {Message} message */
  messageUpdated(message) {
    this.#changed([message]);
  }

  /** @param {string} reason */
  #closed(reason) {
    if (reason === 'banned' || reason === 'removed' || reason === 'left')
      this.membership = this.membership && { ...this.membership, state: reason };
    if (reason === 'archived')
      this.data = {
        ...this.data,
        archived_at: this.data.archived_at ?? new Date(serverNow()).toISOString(),
      };
    this.#emitter.emit('closed', reason);
    this.#emitter.emit('change', undefined);
  }

  /** A message that others answer, as it is now; null until it is loaded. @param {number} id */
  quoted(id) {
    return this.#quotes.get(id);
  }

  /** @param {Message} message */
  #learn(message) {
    this.#context.people.learn(message.author);
  }
}
