/**
 * Signing out of the administration ends the session of the chat too, with what it left in this
 * browser.
 * @module
 */

import { blankWhenLeft, isEmpty, takeAway, unsentOf } from '../account/personal_data.js';

document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.id !== 'logout-form') return;
  event.preventDefault();
  void signOut(form);
});

/** @param {HTMLFormElement} form */
async function signOut(form) {
  const { user = '0', unsent = '' } = /** @type {HTMLElement} */ (
    document.querySelector('[data-unsent]')
  ).dataset;
  if (!isEmpty(await unsentOf(Number(user))) && !confirm(unsent)) return;
  await takeAway(Number(user));
  blankWhenLeft();
  form.submit();
}
