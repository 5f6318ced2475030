/**
 * The favourite rooms and their order. The server stores them with the user's membership, so all
 * tabs and devices follow.
 * @module
 */

import { toastError } from '../lib/dom.js';
import { between, sections } from './room_order.js';

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../rooms/rooms.js').Rooms} Rooms
 * @typedef {import('../../realtime/api.js').Api} Api
 */

export class Favourites {
  #api;
  #rooms;

  /**
   * @param {Api} api
   * @param {Rooms} rooms
   */
  constructor(api, rooms) {
    this.#api = api;
    this.#rooms = rooms;
  }

  /** The favourites in their order. @returns {Room[]} */
  get all() {
    return sections(this.#rooms.mine).favourites;
  }

  /** @param {Room} room */
  add(room) {
    return this.#change([[room, { favourite: true }]]);
  }

  /** @param {Room} room */
  remove(room) {
    return this.#change([[room, { favourite: false }]]);
  }

  /**
   * Make a room a favourite at `index`.
   * @param {Room} room
   * @param {number} index
   */
  place(room, index) {
    const others = this.all.filter((other) => other !== room);
    const order = between(others[index - 1]?.favouriteOrder, others[index]?.favouriteOrder);
    if (order !== null) return this.#change([[room, { favourite: true, favourite_order: order }]]);
    // No number is left between the neighbours: number all favourites again.
    const spread = others.toSpliced(index, 0, room);
    return this.#change(spread.map((each, at) => [each, { favourite: true, favourite_order: at }]));
  }

  /** Move a favourite up or down by one. @param {Room} room @param {1 | -1} step */
  move(room, step) {
    return this.place(room, Math.max(0, this.all.indexOf(room) + step));
  }

  /** @param {[Room, Record<string, unknown>][]} changes */
  async #change(changes) {
    try {
      for (const [room, fields] of changes) {
        const { membership } = await this.#api.patch(`/api/rooms/${room.id}/membership`, fields);
        room.ownMembershipReceived(membership);
      }
    } catch (error) {
      toastError(error);
    }
  }
}
