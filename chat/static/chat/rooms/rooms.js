/**
 * All rooms that this page follows: those of the user, as the inbox reports them, and a public room
 * that is open.
 * @module
 */

import { MAX_STREAMS } from '../../realtime/client.js';
import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';
import { Room } from './room.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('./types.js').Listed} Listed
 * @typedef {import('./types.js').Opened} Opened
 * @typedef {import('./types.js').RoomContext} RoomContext
 */

/**
 * The inbox and the announcements use the same connection, and a room may be open without a
 * membership.
 */
const MAX_FOLLOWED = MAX_STREAMS - 10;

export class Rooms {
  #context;
  /** @type {Map<number, Room>} */
  #byId = new Map();
  /** The server has more rooms of the user than these. */
  #more;
  /** The load of the others, while it is under way. @type {Promise<void> | null} */
  #loading = null;
  /**
   * @type {Emitter<{
   *   change: Room | null, more: void, arrived: {room: Room, message: any}, messages: any[],
   * }>}
   */
  #emitter = new Emitter(reportToConsole);

  /**
   * @param {Listed[]} listed
   * @param {RoomContext} context
   * @param {boolean} [more]  the user has other rooms, which `loadMore` loads
   */
  constructor(listed, context, more = false) {
    this.#context = context;
    this.#more = more;
    for (const item of listed.slice(0, MAX_FOLLOWED)) this.#add(item).follow(item.seq);
  }

  /** The rooms that the user is a member of. @returns {Room[]} */
  get mine() {
    return [...this.#byId.values()].filter((room) => room.isMember && !room.data.archived_at);
  }

  /** Unread messages, without those of quiet rooms. */
  get unread() {
    return this.mine.reduce((sum, room) => sum + room.waiting, 0);
  }

  /** Unread mentions, and all unread messages of direct rooms. */
  get mentions() {
    return this.mine.reduce(
      (sum, room) => sum + (room.isQuiet ? 0 : room.isDirect ? room.unread : room.mentions),
      0,
    );
  }

  /** @param {number} id */
  get(id) {
    return this.#byId.get(id);
  }

  /** @param {string} slug */
  bySlug(slug) {
    return [...this.#byId.values()].find((room) => room.data.slug === slug);
  }

  /**
   * - `change`: a room changed; null: the list of rooms changed
   * - `more`: the rest of the list was loaded
   * - `arrived`: a message of another user
   * - `messages`: changed messages
   * @template {'change' | 'more' | 'arrived' | 'messages'} Name
   * @param {Name} name
   * @param {(value: any) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** A page of this room was opened. @param {Opened} opened */
  open(opened) {
    const room = this.#byId.get(opened.room.id) ?? this.#add(opened);
    room.open(opened);
    return room;
  }

  /**
   * The page of a room was left; without a membership it is no longer followed.
   * @param {Room} room
   */
  close(room) {
    if (room.isMember) return;
    room.unfollow();
    this.#byId.delete(room.id);
  }

  /** A membership of the user, from the inbox. @param {{membership: Row, seq: number}} change */
  async ownMembershipPushed({ membership, seq }) {
    // The list may be on its way, with an older state of the room.
    if (!this.#byId.has(membership.room)) await this.loadMore();
    const known = this.#byId.get(membership.room);
    if (known) known.ownMembershipPushed(membership, seq);
    else if (membership.state === 'active') await this.#fetch(membership.room);
    this.#emitter.emit('change', null);
  }

  /** The user created, joined or opened a room. @param {Listed} listed */
  added(listed) {
    const known = this.#byId.get(listed.room.id);
    if (known) {
      if (listed.membership) known.ownMembershipReceived(listed.membership);
    } else this.#add(listed).follow(listed.seq);
    this.#emitter.emit('change', null);
    return /** @type {Room} */ (this.#byId.get(listed.room.id));
  }

  /**
   * Load the rooms that the page came without. Without an answer, the next call tries again.
   * @returns {Promise<void>}
   */
  async loadMore() {
    if (!this.#more) return;
    this.#loading ??= this.#loadMore()
      .catch((error) => reportToConsole(error, 'the rest of the rooms could not be loaded'))
      .finally(() => {
        this.#loading = null;
      });
    await this.#loading;
  }

  async #loadMore() {
    const found = await this.#listed();
    this.#more = false;
    for (const item of found) {
      if (this.#byId.size >= MAX_FOLLOWED) break;
      if (!this.#byId.has(item.room.id)) this.#add(item).follow(item.seq);
    }
    this.#emitter.emit('more', undefined);
    this.#emitter.emit('change', null);
  }

  /** Count again what is unread: messages count now, or no longer. */
  async count() {
    for (const listed of await this.#listed())
      this.#byId.get(/** @type {number} */ (listed.room.id))?.counted(listed);
  }

  /** All rooms that the user is a member of, as they are now. */
  async #listed() {
    /** @type {Listed[]} */
    const found = [];
    for (let more = true; more; ) {
      const after = found.at(-1)?.room.id ?? 0;
      const answer = await this.#context.api.get('/api/rooms/mine', { after });
      found.push(...answer.rooms);
      more = answer.more;
    }
    return found;
  }

  /** @param {number} id */
  async #fetch(id) {
    try {
      const snapshot = await this.#context.api.get(`/api/rooms/${id}/`);
      if (!this.#byId.has(id)) this.#add(snapshot).follow(snapshot.seq);
    } catch (error) {
      reportToConsole(error, 'a room that I was added to could not be loaded');
    }
  }

  /** @param {Listed} listed */
  #add(listed) {
    const room = new Room(listed, this.#context);
    this.#byId.set(room.id, room);
    room.on('change', () => this.#emitter.emit('change', room));
    room.on('arrived', (message) => this.#emitter.emit('arrived', { room, message }));
    room.on('messages', (messages) => this.#emitter.emit('messages', messages));
    return room;
  }
}
