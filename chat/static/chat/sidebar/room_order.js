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
 * @returns {{favourites: Room[], rooms: Room[], directs: Room[]}}
 */
export function sections(rooms) {
  const byTitle = [...rooms].sort((one, other) => one.title.localeCompare(other.title));
  const others = byTitle.filter((room) => !room.isFavourite);
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
 * @returns {Room[]}
 */
export function flattened(rooms) {
  return Object.values(sections(rooms)).flat();
}

/**
 * The next room after the current one, in a circle; without a current one, the first or the last.
 * @template {Place} Room
 * @param {Room[]} rooms
 * @param {number | null} current
 * @param {1 | -1} step
 * @param {{unread?: boolean}} [options]  only rooms with unread messages
 * @returns {Room | null}
 */
export function neighbour(rooms, current, step, { unread = false } = {}) {
  const all = flattened(rooms);
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
