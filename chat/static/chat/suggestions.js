/**
 * Completion of @names while one writes: a listbox above the composer, steered from the text field.
 * @module
 */

import { clone, setAvatar, setText } from './dom.js';

/** @typedef {import('../realtime/types.js').User} User */

const MOST_SHOWN = 6;
const BEGUN = /(?:^|\s)@([\w.+-]*)$/u;

export class Suggestions {
  #list;
  #input;
  #people;
  /** @type {User[]} */
  #found = [];
  #at = 0;

  /**
   * @param {HTMLElement} list
   * @param {HTMLTextAreaElement} input
   * @param {() => Promise<User[]>} people  who can be mentioned
   */
  constructor(list, input, people) {
    this.#list = list;
    this.#input = input;
    this.#people = people;
    input.addEventListener('input', () => void this.#look());
    input.addEventListener('blur', () => this.#close());
    list.addEventListener('pointerdown', (event) => this.#press(event)); // before `blur` closes the list
  }

  /** @param {KeyboardEvent} event @returns {boolean}  the key was ours */
  key(event) {
    if (this.#list.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#select((this.#at + step + this.#found.length) % this.#found.length);
    else if (event.key === 'Enter' && this.#found[this.#at].username === this.#begun()) return this.#close(); // nothing to complete: Enter sends
    else if (event.key === 'Enter' || event.key === 'Tab') this.#choose(this.#at);
    else if (event.key === 'Escape') this.#close();
    else return false;
    event.preventDefault();
    return true;
  }

  async #look() {
    const begun = this.#begun();
    if (begun === null) return void this.#close();
    const people = await this.#people().catch(() => []);
    if (this.#begun() !== begun) return; // typed on meanwhile
    const wanted = begun.toLowerCase();
    this.#found = people.filter((person) => matches(person, wanted)).slice(0, MOST_SHOWN);
    if (this.#found.length === 0) return void this.#close();
    this.#list.replaceChildren(...this.#found.map(option));
    this.#list.hidden = false;
    this.#select(0);
  }

  /** What stands between the last @ and the caret. @returns {string | null} */
  #begun() {
    if (this.#input.selectionStart !== this.#input.selectionEnd) return null;
    return BEGUN.exec(this.#input.value.slice(0, this.#input.selectionStart))?.[1] ?? null;
  }

  /** @param {number} index */
  #select(index) {
    this.#at = index;
    [...this.#list.children].forEach((element, at) => element.setAttribute('aria-selected', String(at === index)));
    this.#input.setAttribute('aria-activedescendant', this.#list.children[index].id);
    this.#list.children[index].scrollIntoView({ block: 'nearest' });
  }

  /** @param {number} index */
  #choose(index) {
    const end = this.#input.selectionStart;
    const start = end - (this.#begun()?.length ?? 0);
    this.#input.setRangeText(`${this.#found[index].username} `, start, end, 'end');
    this.#close();
    this.#input.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** @param {Event} event */
  #press(event) {
    const one = /** @type {Element} */ (event.target).closest('[role="option"]');
    if (!one) return;
    event.preventDefault();
    this.#choose([...this.#list.children].indexOf(one));
  }

  #close() {
    this.#list.hidden = true;
    this.#input.removeAttribute('aria-activedescendant');
    return false;
  }
}

/**
 * @param {User} person
 * @param {string} wanted  in lower case
 */
function matches({ username, name }, wanted) {
  return username.toLowerCase().startsWith(wanted) || name.toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted));
}

/** @param {User} person */
function option(person) {
  const element = clone('suggestion-template');
  element.id = `suggestion-${person.id}`;
  setAvatar(element, person);
  setText(element, 'name', person.name);
  setText(element, 'username', `@${person.username}`);
  return element;
}
