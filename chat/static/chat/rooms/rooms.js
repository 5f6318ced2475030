/**
 * All rooms that this page follows: mine, and a public one that is looked at. My inbox tells which
 * ones are mine.
 * @module
 */

import { MAX_STREAMS } from '../../realtime/client.js';
import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';
import { Room } from './room.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('./room.js').Listed} Listed
 * @typedef {import('./room.js').Opened} Opened
 * @typedef {import('./room.js').RoomContext} RoomContext
 */

/**
 * The inbox and the announcements go over the same connection, and one room may be looked at
 * without being mine.
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

  /** Those that I am a member of. @returns {Room[]} */
  get mine() {
    return [...this.#byId.values()].filter((room) => room.isMember && !room.data.archived_at);
  }

  /** What waits to be read, quiet rooms left out. */
  get unread() {
    return this.mine.reduce((sum, room) => sum + room.waiting, 0);
  }

  /** What waits for me by name: mentions, and all that is said in conversations of two. */
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
   * - `change`: a room changed; null: which rooms there are
   * - `arrived`: a message of somebody else
   * - `messages`: in a new state
   * @template {'change' | 'arrived' | 'messages'} Name
   * @param {Name} name
   * @param {(value: any) => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** A page of this room is shown. @param {Opened} opened */
  open(opened) {
    const room = this.#byId.get(opened.room.id) ?? this.#add(opened);
    room.open(opened);
    return room;
  }

  /** The page of a room that is not mine is left. @param {Room} room */
  close(room) {
    if (room.isMember) return;
    room.unfollow();
    this.#byId.delete(room.id);
  }

  /** A membership of mine, from my inbox. @param {{membership: Row, seq: number}} told */
  async tellMine({ membership, seq }) {
    const known = this.#byId.get(membership.room);
    if (known) known.heardMine(membership, seq);
    else if (membership.state === 'active') await this.#fetch(membership.room);
    this.#emitter.emit('change', null);
  }

  /** A room that I have just made, joined or opened. @param {Listed} listed */
  added(listed) {
    const known = this.#byId.get(listed.room.id);
    if (known) {
      if (listed.membership) known.mine(listed.membership);
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
