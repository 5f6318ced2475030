/**
 * One room as this page knows it: what it is, my place in it, what is unread, who is here, and its
 * messages once somebody has looked.
 * @module
 */

import { realClock, reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';
import { History } from '../../realtime/streams/history.js';
import { Presence } from '../people/presence.js';
import { Quotes } from '../timeline/quotes.js';
import { MemberCount } from './member_count.js';
import { UnreadMessages } from './unread.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').User} User
 * @typedef {import('../../realtime/types.js').StreamEvent} StreamEvent
 * @typedef {import('../timeline/message.js').Message} Message
 *
 * @typedef {object} Listed  As the API lists a room.
 * @property {Row} room
 * @property {Row | null} membership
 * @property {User | null} [partner]  the other one of a direct room
 * @property {number[]} [mentions]  numbers of the unread messages that mention me
 * @property {number} seq
 *
 * @typedef
 *   {Listed & {messages: Message[], quoted: Message[], newest: boolean, number: number | null, member_count: number}}
 *   Opened As its page shows a room.
 *
 * @typedef {object} RoomContext
 * @property {User & {moderator: boolean}} me
 * @property {import('../people/people.js').People} people
 * @property {import('../people/blocks.js').Blocks} [blocks]
 * @property {import('../people/site_mute.js').SiteMute} [siteMute]
 * @property {import('../../realtime/api.js').Api} api
 * @property {import('../../realtime/client.js').Client} client
 *
 * @typedef {object} RoomEvents
 * @property {void} change  the room, my membership, or what is unread
 * @property {number} back  I have gone back: unread from this number on, in this tab or elsewhere
 * @property {Message} arrived  a message of somebody else, newer than all before
 * @property {Message[]} messages in a new state, or just found: in the window of the history or not
 * @property {Row} member  a membership of the room
 * @property {void} typing
 * @property {void} presence
 * @property {string} closed  the reason
 */

/** Messages in the page at once; the rest is read again when somebody scrolls there. */
const MAX_MESSAGES_SHOWN = 200;

export class Room {
  #context;
  /** @type {Emitter<RoomEvents>} */
  #emitter = new Emitter(reportToConsole);
  #unread;
  /** @type {Message[] | null} */
  #handedOver = null;
  #quotes;
  #count;
  #following = false;

  /**
   * @param {Listed} listed
   * @param {RoomContext} context
   */
  constructor(listed, context) {
    this.#context = context;
    this.data = listed.room;
    this.membership = listed.membership;
    this.partner = listed.partner ?? null;
    this.presence = new Presence(
      context.me.id,
      () => context.client.command('room.presence', { room: this.id }),
      (what) => this.#emitter.emit(what, undefined),
    );
    /** Somebody has looked, and the messages are kept up to date. */
    this.opened = false;
    /** The window that the page shows is being taken over. */
    this.opening = Promise.resolve();
    context.people.learn(this.partner);
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
    return this.partner?.name ?? (this.data.name || this.data.slug);
  }

  get isDirect() {
    return this.data.kind === 'direct';
  }

  get isMember() {
    return this.membership?.state === 'active';
  }

  /** The other one of a direct room, whom I want to hear nothing of. */
  get partnerBlocked() {
    return this.partner !== null && (this.#context.blocks?.has(this.partner.id) ?? false);
  }

  /** Until when I may write neither here nor elsewhere; it may be over. */
  get siteMutedUntil() {
    return this.#context.siteMute?.until ?? null;
  }

  /** Nothing of it is to disturb. */
  get isQuiet() {
    return this.membership?.involvement === 'nothing';
  }

  get unread() {
    return this.isMember ? this.#unread.count : 0;
  }

  get mentions() {
    return this.isMember ? this.#unread.mentions : 0;
  }

  /** What waits here and may be shown: of a quiet room, nothing. */
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
   * Follow the room's stream after `seq`, or from a fresh snapshot; following again starts anew
   * from there.
   * @param {number | null} seq
   */
  follow(seq) {
    this.#following = true;
    this.#context.client.subscribe(this.stream, {
      position: seq,
      apply: (events) => this.#apply(events),
      load: () => this.#context.api.get(`/api/rooms/${this.id}/`),
      replace: (snapshot) => this.#replace(snapshot),
      signal: (signal) => this.presence.heard(signal),
      closed: (reason) => this.#closed(reason),
    });
  }

  unfollow() {
    if (this.#following) this.#context.client.unsubscribe(this.stream);
    this.#following = false;
    this.#count.stop();
  }

  /** Take over what the server has rendered into a page. @param {Opened} opened */
  open(opened) {
    this.data = opened.room;
    this.membership = opened.membership;
    this.#count.set(opened.member_count);
    this.opened = true;
    this.#quotes.keep(opened.quoted);
    this.#unread.opened(opened);
    this.history.saw(this.data.last_number);
    if (opened.newest) this.history.open(/** @type {any} */ (opened.messages));
    else this.opening = this.#openInside(opened);
    // What happened between the page's seq and the stream's position was not kept: nobody had
    // looked. So it is sent again.
    this.follow(opened.seq);
    this.#emitter.emit('change', undefined);
  }

  /** @param {Opened} opened */
  #openInside({ messages, number }) {
    this.#handedOver = messages;
    // A page of older messages has no number of its own; its middle stands for it.
    return this.history.around(number ?? messages[Math.floor(messages.length / 2)]?.number ?? 1);
  }

  /** @param {Record<string, any>} wanted @returns {Promise<any[]>} */
  async #load(wanted) {
    const handedOver = this.#handedOver;
    this.#handedOver = null;
    if (handedOver) return handedOver;
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
    if (this.opened) this.history.open(snapshot.messages);
    this.#emitter.emit('messages', snapshot.messages);
    this.#emitter.emit('change', undefined);
  }

  /** @param {StreamEvent[]} events */
  #apply(events) {
    const last = this.lastNumber;
    const messages = events
      .filter(({ kind }) => kind === 'message')
      .map(({ data }) => /** @type {any} */ (data));
    for (const message of messages) this.#unread.saw(message, this.#context.me.id);
    this.#changed(messages);
    for (const message of messages) {
      this.presence.wrote(message.author.id);
      if (
        message.number > last &&
        message.author.id !== this.#context.me.id &&
        !message.deleted_at &&
        !message.hidden_at
      )
        this.#emitter.emit('arrived', message);
    }
    for (const { kind, data } of events) {
      if (kind === 'membership') this.#memberChanged(data);
      if (kind === 'room') this.#roomChanged(data);
    }
    this.#emitter.emit('change', undefined);
    this.#emitter.emit('typing', undefined);
  }

  /** Messages in a new state. @param {Message[]} messages */
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
    // `last_number` of the stream is as of the room's own change; messages have told the present
    // one.
    this.#unread.exists(data.last_number);
    this.data = { ...data, last_number: this.lastNumber };
  }

  /** @param {Row} data */
  #memberChanged(data) {
    this.#context.people.learn(data.user);
    // The room does not tell what only I know of my membership.
    if (data.user.id === this.#context.me.id)
      this.membership = { ...this.membership, ...data, read_number: this.readNumber };
    this.#emitter.emit('member', data);
    if (this.opened) this.#count.changed();
  }

  /** A reply of the server carries a membership in its newest state. @param {Row} membership */
  memberTold(membership) {
    this.#memberChanged(membership);
  }

  /**
   * My membership, from my inbox: there my read number is the present one.
   * @param {Row} membership
   * @param {number} seq
   */
  heardMine(membership, seq) {
    if (this.#unread.heard(membership.read_number, seq)) this.#goneBack();
    this.#isMine(membership);
  }

  /**
   * My membership, from an answer: it may be older than what the inbox has told.
   * @param {Row} membership
   */
  mine(membership) {
    this.readTo(membership.read_number);
    this.#isMine(membership);
  }

  /** @param {Row} membership */
  #isMine(membership) {
    this.membership = { ...this.membership, ...membership };
    // I am back: what happened meanwhile was not sent here
    if (this.isMember && !this.#following) this.follow(null);
    this.#emitter.emit('change', undefined);
  }

  /** I have read up to here, in this tab. @param {number} number */
  readTo(number) {
    if (number <= this.readNumber) return;
    this.#unread.readTo(number);
    this.#emitter.emit('change', undefined);
  }

  /**
   * Go back to just before a message, so that it and what follows is unread again.
   * @param {number} number
   */
  async unreadFrom(number) {
    const before = this.readNumber;
    this.#unread.goBack(number);
    this.#emitter.emit('back', this.readNumber + 1);
    this.#emitter.emit('change', undefined);
    try {
      const { seq } = await this.#context.client.command('room.unread', { room: this.id, number });
      if (this.#unread.wentBack(/** @type {number} */ (seq))) this.#goneBack();
      await this.#countMentions();
    } catch (error) {
      if (this.#unread.wentBack(0)) this.#goneBack();
      else this.readTo(before);
      throw error;
    }
  }

  /** Elsewhere I went back to where my read number is now. */
  #goneBack() {
    this.#emitter.emit('back', this.readNumber + 1);
    this.#emitter.emit('change', undefined);
    void this.#countMentions();
  }

  /**
   * Mentions that were read long ago are not known here. Without an answer they are only not
   * counted apart.
   */
  async #countMentions() {
    const snapshot = await this.#context.api.get(`/api/rooms/${this.id}/`).catch(() => null);
    if (!snapshot) return;
    this.#unread.mentionsAre(snapshot.mentions);
    this.#emitter.emit('change', undefined);
  }

  /**
   * Has the message of an outbox entry arrived before the reply to its command? It is recognised by
   * its key, because a filter or a hook may have changed its text.
   * @param {import('../../realtime/outbox/outbox.js').Entry} entry
   */
  hasArrived({ state, key }) {
    // a key is unique only among the messages of its author
    const me = this.#context.me.id;
    return (
      state !== 'failed' && this.history.rows.some((row) => row.key === key && row.author.id === me)
    );
  }

  /** A reply of the server carries a message in its newest state. @param {Message} message */
  replied(message) {
    this.#changed([message]);
  }

  /** @param {string} reason */
  #closed(reason) {
    this.#following = false;
    if (reason === 'banned' || reason === 'removed' || reason === 'left')
      this.membership = this.membership && { ...this.membership, state: reason };
    if (reason === 'archived')
      this.data = { ...this.data, archived_at: this.data.archived_at ?? new Date().toISOString() };
    this.#emitter.emit('closed', reason);
    this.#emitter.emit('change', undefined);
  }

  /**
   * The message that others answer, in its newest state; null until it is found.
   * @param {number} id
   */
  quoted(id) {
    return this.#quotes.get(id);
  }

  /** @param {Message} message */
  #learn(message) {
    this.#context.people.learn(message.author);
  }
}
