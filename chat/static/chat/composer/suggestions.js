/**
 * Completion: a listbox above the composer, controlled from the text field.
 * @module
 */

import { clone, setAvatar, setText, slot } from '../lib/dom.js';
import { replaceText } from './text_field.js';

/**
 * @typedef {import('./completions.js').Completion} Completion
 * @typedef {import('./completions.js').Kind} Kind
 */

export class Suggestions {
  #list;
  #input;
  #kinds;
  /** @type {Completion[]} */
  #found = [];
  #at = 0;

  /**
   * @param {HTMLElement} list
   * @param {HTMLTextAreaElement} input
   * @param {Kind[]} kinds
   */
  constructor(list, input, kinds) {
    this.#list = list;
    this.#input = input;
    this.#kinds = kinds;
    input.addEventListener('input', () => void this.#look());
    input.addEventListener('blur', () => this.#close());
    // Before `blur` closes the list.
    list.addEventListener('pointerdown', (event) => this.#press(event));
  }

  /** @param {KeyboardEvent} event @returns {boolean}  the key was ours */
  key(event) {
    if (this.#list.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#select((this.#at + step + this.#found.length) % this.#found.length);
    else if (event.key === 'Enter' && this.#found[this.#at].text === this.#begun()?.text)
      // Nothing to complete: Enter sends the message.
      return this.#close();
    else if ((event.key === 'Enter' && !event.shiftKey) || event.key === 'Tab')
      this.#choose(this.#at);
    else if (event.key === 'Escape') this.#close();
    else return false;
    event.preventDefault();
    return true;
  }

  async #look() {
    const begun = this.#begun();
    if (begun === null) return void this.#close();
    const found = await begun.kind.find(begun.text).catch(() => []);
    // The text or the focus has changed meanwhile.
    if (this.#begun()?.text !== begun.text || document.activeElement !== this.#input) return;
    this.#found = found;
    if (found.length === 0) return void this.#close();
    if (begun.kind.isWhole?.(begun.text)) return this.#choose(0);
    this.#list.setAttribute('aria-label', begun.kind.label);
    this.#list.replaceChildren(...found.map(option));
    this.#list.hidden = false;
    this.#select(0);
  }

  /** The completable text before the caret. @returns {{kind: Kind, text: string} | null} */
  #begun() {
    const { value, selectionStart, selectionEnd } = this.#input;
    if (selectionStart !== selectionEnd) return null;
    const before = value.slice(0, selectionStart);
    for (const kind of this.#kinds) {
      const text = kind.begun(before);
      if (text !== undefined) return { kind, text };
    }
    return null;
  }

  /** @param {number} index */
  #select(index) {
    this.#at = index;
    for (const [at, element] of [...this.#list.children].entries()) {
      element.setAttribute('aria-selected', String(at === index));
    }
    this.#input.setAttribute('aria-activedescendant', this.#list.children[index].id);
    this.#list.children[index].scrollIntoView({ block: 'nearest' });
  }

  /** @param {number} index */
  #choose(index) {
    const end = this.#input.selectionStart;
    const start = end - (this.#begun()?.text.length ?? 0);
    const { text } = this.#found[index];
    this.#close();
    const blank = /^\s/.test(this.#input.value.slice(end)) ? '' : ' ';
    replaceText(this.#input, start, end, text + blank);
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
 * @param {Completion} completion
 * @param {number} index
 */
function option({ title, hint, person, sign }, index) {
  const element = clone('suggestion-template');
  element.id = `suggestion-${index}`;
  if (person) setAvatar(element, person);
  slot(element, 'avatar').hidden = !person;
  slot(element, 'sign').hidden = !sign;
  setText(element, 'sign', sign ?? '');
  setText(element, 'title', title);
  setText(element, 'hint', hint);
  return element;
}
