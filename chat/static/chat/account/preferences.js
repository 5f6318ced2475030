/**
 * The preferences: saves each choice at once. A choice shows when the inbox reports it, as in the
 * user's other tabs; another language needs another page.
 * @module
 */

import { saveEachChoice } from './saving.js';

const root = /** @type {HTMLElement} */ (document.querySelector('[data-preferences]'));

saveEachChoice(
  root,
  (form) => new FormData(form),
  (field) => {
    if (field.name === 'language') location.reload();
  },
);
