/**
 * The dialog that lists all shortcuts and switches single-key ones off.
 * @module
 */

import { clone, onAction, setText, slot } from './dom.js';
import { SHORTCUTS } from './shortcuts.js';
import { common, shortcutWords } from './words.js';

/** @typedef {import('./shortcuts.js').Shortcuts} Shortcuts */

export class ShortcutsView {
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById('shortcuts-dialog'));
  #shortcuts;

  /** @param {Shortcuts} shortcuts */
  constructor(shortcuts) {
    this.#shortcuts = shortcuts;
    onAction(this.#dialog, { cancel: () => this.#dialog.close() });
    this.#letters.addEventListener('change', () => this.#switchLetters());
  }

  open() {
    const groups = new Set(SHORTCUTS.map(({ group }) => group));
    slot(this.#dialog, 'groups').replaceChildren(...[...groups].map((group) => this.#group(group)));
    this.#letters.checked = this.#shortcuts.letters;
    this.#switchLetters();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  get #letters() {
    return /** @type {HTMLInputElement} */ (slot(this.#dialog, 'letters'));
  }

  #switchLetters() {
    this.#shortcuts.letters = this.#letters.checked;
    for (const key of /** @type {NodeListOf<HTMLElement>} */ (
      this.#dialog.querySelectorAll('.key-caps[data-letter="true"]')
    ))
      key.dataset.off = String(!this.#letters.checked);
  }

  /** @param {import('./shortcuts.js').Group} group */
  #group(group) {
    const element = clone('shortcut-group-template');
    setText(element, 'name', shortcutWords.groups[group]);
    const rows = SHORTCUTS.filter((shortcut) => shortcut.group === group).map(({ name, keys }) => {
      const row = clone('shortcut-template');
      setText(
        row,
        'name',
        shortcutWords.names[/** @type {keyof typeof shortcutWords.names} */ (name)],
      );
      slot(row, 'keys').replaceChildren(...keys.map((key) => keyCaps(key, this.#shortcuts.mac)));
      return row;
    });
    slot(element, 'rows').replaceChildren(...rows);
    return element;
  }
}

/**
 * @param {string} combination
 * @param {boolean} mac
 */
export function keyCaps(combination, mac) {
  const element = document.createElement('span');
  element.className = 'key-caps';
  element.dataset.letter = String(combination.length === 1);
  const keys = combination.length === 1 ? [combination] : combination.split('+');
  element.append(
    ...keys.map((key) => {
      const cap = document.createElement('kbd');
      cap.textContent = common.keyName(key, mac);
      return cap;
    }),
  );
  return element;
}
