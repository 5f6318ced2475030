/**
 * Who is who: names by id, learnt from everything that passes by. Signals and reactions carry ids
 * only.
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

  /** Everybody who has been met. */
  get all() {
    return [...this.#byId.values()];
  }

  /** The name, or nothing where the person has not been met yet. @param {number} id */
  name(id) {
    return this.#byId.get(id)?.name ?? '';
  }
}
