/**
 * Names by user id, collected from every row that has them. Signals and reactions have ids only.
 * @module
 */

/** @typedef {import('../../realtime/types.js').User} User */

export class People {
  /** @type {Map<number, User>} */
  #byId = new Map();

  /** @param {User | null | undefined} person */
  learn(person) {
    if (person) this.#byId.set(person.id, person);
  }

  /** @param {number} id */
  get(id) {
    return this.#byId.get(id);
  }

  /** Everyone seen on this page. */
  get all() {
    return [...this.#byId.values()];
  }

  /** The name; empty for someone not yet seen on this page. @param {number} id */
  name(id) {
    return this.#byId.get(id)?.name ?? '';
  }
}
