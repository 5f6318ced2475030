/**
 * Making rooms favourites, and putting them in order. The server keeps it with my membership, so
 * all my tabs and devices follow.
 * @module
 */

import { complain } from '../lib/dom.js';
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

  /** My favourites from the top. @returns {Room[]} */
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
   * Put a room among the favourites, so that it stands at `index`.
   * @param {Room} room
   * @param {number} index
   */
  place(room, index) {
    const others = this.all.filter((other) => other !== room);
    const order = between(others[index - 1]?.favouriteOrder, others[index]?.favouriteOrder);
    if (order !== null) return this.#change([[room, { favourite: true, favourite_order: order }]]);
    // The numbers have come too close to each other, or were never told apart: all of them are
    // spread anew.
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
        room.mine(membership);
      }
    } catch (error) {
      complain(error);
    }
  }
}
