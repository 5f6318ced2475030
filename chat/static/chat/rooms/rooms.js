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
  /**
   * @type {Emitter<{change: Room | null, arrived: {room: Room, message: any}, messages: any[]}>}
   */
  #emitter = new Emitter(reportToConsole);

  /**
   * @param {Listed[]} listed
   * @param {RoomContext} context
   */
  constructor(listed, context) {
    this.#context = context;
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
   * - `arrived`: a message of another user
   * - `messages`: changed messages
   * @template {'change' | 'arrived' | 'messages'} Name
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
