/**
 * The field of a dialog that finds people while the user types.
 * @module
 */

import { clone, setAvatar, setText, slot } from './dom.js';
import { common } from './words.js';

/** @typedef {import('../../realtime/types.js').User} User */

/** After the last key, before the search. */
const SEARCH_DELAY_MS = 200;

export class PeopleSearch {
  #field;
  #found;
  #uses;
  #timer = 0;
  #shownFor = '';
  #listening = new AbortController();

  /**
   * @param {HTMLDialogElement} dialog  with a field `q` and a slot `found`
   * @param {object} uses
   * @param {(q: string) => Promise<User[]>} uses.find
   * @param {(user: User) => void} uses.choose
   * @param {(message: string) => void} uses.fail
   */
  constructor(dialog, uses) {
    this.#uses = uses;
    this.#field = /** @type {HTMLInputElement} */ (dialog.querySelector('[name="q"]'));
    this.#found = slot(dialog, 'found');
    this.#found.replaceChildren();
    this.#field.addEventListener('input', () => this.#typedMore(), {
      signal: this.#listening.signal,
    });
  }

  get typed() {
    return this.#field.value.trim();
  }

  /** Begin with an empty field, for the next person. */
  clear() {
    clearTimeout(this.#timer);
    this.#field.value = this.#shownFor = '';
    this.#found.replaceChildren();
    this.#field.focus();
  }

  /** Choose the first one of the list, also if Enter was pressed before it was loaded. */
  async chooseFirst() {
    clearTimeout(this.#timer);
    if (this.typed !== '' && this.typed !== this.#shownFor) await this.#search(this.typed);
    const first = this.#found.querySelector('button');
    if (!first) throw new Error(common.nobodyFound);
    first.click();
  }

  end() {
    clearTimeout(this.#timer);
    this.#listening.abort();
  }

  #typedMore() {
    clearTimeout(this.#timer);
    const q = this.typed;
    this.#shownFor = '';
    if (q === '') return this.#found.replaceChildren();
    this.#timer = window.setTimeout(
      () => this.#search(q).catch((error) => this.#uses.fail(error.message)),
      SEARCH_DELAY_MS,
    );
  }

  /** @param {string} q */
  async #search(q) {
    const users = await this.#uses.find(q);
    // The text has changed meanwhile.
    if (this.typed !== q) return;
    this.#shownFor = q;
    this.#found.replaceChildren(
      ...users.map((user) => personButton(user, () => this.#uses.choose(user))),
    );
    if (users.length === 0) this.#found.textContent = common.nobodyFound;
  }
}

/**
 * @param {User} person
 * @param {() => void} chosen
 */
function personButton(person, chosen) {
  const element = clone('person-template');
  setAvatar(element, person);
  setText(element, 'name', person.name);
  setText(element, 'username', `@${person.username}`);
  /** @type {HTMLElement} */ (element.firstElementChild).addEventListener('click', chosen);
  return element;
}
