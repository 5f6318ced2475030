/**
 * The order of the rooms in the sidebar. Plain values, no DOM.
 * @module
 */

/**
 * @typedef {object} Place  The data that a room is sorted by.
 * @property {number} id
 * @property {string} title
 * @property {boolean} isDirect
 * @property {boolean} isFavourite
 * @property {number} favouriteOrder
 * @property {number} waiting  unread messages, 0 in a quiet room
 */

/**
 * @template {Place} Room
 * @param {Room[]} rooms
 * @param {boolean} [unreadFirst]  within rooms and direct rooms; favourites have their own order
 * @returns {{favourites: Room[], rooms: Room[], directs: Room[]}}
 */
export function sections(rooms, unreadFirst = false) {
  const byTitle = [...rooms].sort((one, other) => one.title.localeCompare(other.title));
  const others = byTitle.filter((room) => !room.isFavourite);
  if (unreadFirst) others.sort((one, other) => Number(other.waiting > 0) - Number(one.waiting > 0));
  return {
    favourites: byTitle
      .filter((room) => room.isFavourite)
      .sort((one, other) => one.favouriteOrder - other.favouriteOrder),
    rooms: others.filter((room) => !room.isDirect),
    directs: others.filter((room) => room.isDirect),
  };
}

/**
 * All rooms from top to bottom.
 * @template {Place} Room
 * @param {Room[]} rooms
 * @param {boolean} [unreadFirst]
 * @returns {Room[]}
 */
export function flattened(rooms, unreadFirst) {
  return Object.values(sections(rooms, unreadFirst)).flat();
}

/**
 * The next room after the current one, in a circle; without a current one, the first or the last.
 * @template {Place} Room
 * @param {Room[]} rooms
 * @param {number | null} current
 * @param {1 | -1} step
 * @param {{unread?: boolean, unreadFirst?: boolean}} [options]  only rooms with unread messages;
 *   the order
 * @returns {Room | null}
 */
export function neighbour(rooms, current, step, { unread = false, unreadFirst } = {}) {
  const all = flattened(rooms, unreadFirst);
  const at = all.findIndex((room) => room.id === current);
  const start = at >= 0 ? at : step > 0 ? -1 : all.length;
  for (let distance = 1; distance <= all.length; distance += 1) {
    const found = all[(((start + step * distance) % all.length) + all.length) % all.length];
    if (found.id !== current && (!unread || found.waiting > 0)) return found;
  }
  return null;
}

/**
 * A number between two neighbours; null if there is none.
 * @param {number | undefined} before
 * @param {number | undefined} after
 * @returns {number | null}
 */
export function between(before, after) {
  if (before === undefined && after === undefined) return 0;
  if (before === undefined) return /** @type {number} */ (after) - 1;
  if (after === undefined) return before + 1;
  const middle = (before + after) / 2;
  return before < middle && middle < after ? middle : null;
}
