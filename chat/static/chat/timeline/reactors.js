/**
 * The list of who reacted to a message, and with what.
 * @module
 */

import { clone, setText, slot } from '../lib/dom.js';
import { list } from '../lib/words.js';
import { words } from './words.js';

/**
 * @param {Record<string, number[]>} reactions
 * @param {(userId: number) => string} nameOf  '': unknown
 */
export function showReactors(reactions, nameOf) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('reactors-dialog'));
  const rows = Object.entries(reactions)
    .filter(([, users]) => users.length > 0)
    .map(([emoji, users]) => {
      const row = clone('reactor-template');
      const names = users.map(nameOf).filter(Boolean);
      const others = users.length - names.length;
      setText(row, 'emoji', emoji);
      setText(row, 'names', list(others > 0 ? [...names, words.andOthers(others)] : names));
      return row;
    });
  slot(dialog, 'reactors').replaceChildren(...rows);
  if (!dialog.open) dialog.showModal();
}
