/**
 * The roles that badges show beside the names of people in one room.
 * @module
 */

/** @typedef {import('../../realtime/types.js').Row} Row */

const MEMBER = 'member';
/** Of site moderators, in every room. They change with the next page. */
const SITE = 'site';

export class Staff {
  /** @type {Record<number, string>} */
  #roles = {};

  /** A node of the version before sends no roles. @param {Record<number, string>} [roles] */
  replace(roles = {}) {
    this.#roles = { ...roles };
  }

  /** @param {number} userId */
  of(userId) {
    return this.#roles[userId] ?? MEMBER;
  }

  /** Apply a membership. Returns whether a badge changes. @param {Row} membership */
  changed({ user, state, role }) {
    const before = this.of(user.id);
    const now = state === 'active' ? role : MEMBER;
    if (before === SITE || before === now) return false;
    this.#roles[user.id] = now;
    return true;
  }
}
