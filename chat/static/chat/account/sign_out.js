/**
 * The form that signs out. It first asks about what was not sent, then takes away everything of the
 * person, and then sends the form.
 * @module
 */

import { slot } from '../lib/dom.js';
import { blankWhenLeft, isEmpty, takeAway, unsentOf } from './personal_data.js';
import { words } from './words.js';

const FORM = 'form[data-sign-out]';

document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches(FORM)) return;
  event.preventDefault();
  void signOut(form, Number(form.dataset.signOut));
});

/**
 * @param {HTMLFormElement} form
 * @param {number} user
 */
async function signOut(form, user) {
  const unsent = await unsentOf(user);
  if (!isEmpty(unsent) && !(await askAbout(words.unsent(unsent), words.deletedBySignOut))) return;
  await takeAway(user);
  blankWhenLeft();
  // Without the event above.
  form.submit();
}

/**
 * Ask whether to delete what was not sent.
 * @param {string} what
 * @param {string} consequence
 * @param {{heading?: string, confirm?: string, cancel?: string}} [labels]
 * @returns {Promise<boolean>}
 */
export function askAbout(
  what,
  consequence,
  { heading = words.signOut, confirm = words.signOutDelete, cancel = words.cancel } = {},
) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('unsent-dialog'));
  slot(dialog, 'heading').textContent = heading;
  slot(dialog, 'text').textContent = `${what} ${consequence}`;
  slot(dialog, 'confirm').textContent = confirm;
  slot(dialog, 'cancel').textContent = cancel;
  dialog.returnValue = '';
  dialog.showModal();
  slot(dialog, 'cancel').focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'delete'), {
      once: true,
    });
  });
}
