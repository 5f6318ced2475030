/**
 * The end of a session that the page did not cause: signed out elsewhere, banned, deactivated or
 * erased. The browser keeps nothing of the person, and the page shows nothing of them any more.
 * @module
 */

import { CloseCode, DEACTIVATED } from '../../realtime/connection/codes.js';
import { isEmpty, putBack, takeAway } from './personal_data.js';
import { askAbout } from './sign_out.js';
import { words } from './words.js';

/** @typedef {import('../../realtime/types.js').ConnectionState} ConnectionState */

const UNAUTHORISED = 401;

/**
 * Whether the person's session is over, or only this connection. A connection that was refused
 * may have come between two keys of a session that goes on, so the server is asked.
 * @param {ConnectionState & {name: 'stopped'}} state
 * @param {() => Promise<unknown>} ask  a cheap request that needs a session
 */
export async function isOver({ code }, ask) {
  if (code !== CloseCode.NOT_AUTHENTICATED)
    return code === CloseCode.SESSION_ENDED || code === CloseCode.BANNED;
  try {
    await ask();
    return false;
  } catch (error) {
    return /** @type {any} */ (error).status === UNAUTHORISED;
  }
}

/**
 * Take everything of the person away. The views of the page have been left.
 * @param {ConnectionState & {name: 'stopped'}} state
 * @param {number} user
 */
export async function endSession({ code, reason }, user) {
  clearPage();
  const unsent = await takeAway(user);
  // Someone who is banned or deactivated can never send it.
  if (isEmpty(unsent) || code === CloseCode.BANNED || reason === DEACTIVATED) return;
  const remove = await askAbout(words.unsent(unsent), words.keepUnsent, {
    heading: words.signedOut,
    confirm: words.deleteUnsent,
    cancel: words.keep,
  });
  if (!remove) await putBack(unsent);
}

/** Leave only the line that says why the connection ended; its link works without scripts. */
function clearPage() {
  // A shortcut would act on what is no longer there, or show names from memory.
  for (const type of ['click', 'keydown', 'input'])
    addEventListener(type, (event) => event.stopImmediatePropagation(), { capture: true });
  for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (
    document.querySelectorAll('dialog[open]')
  ))
    dialog.close();
  /** @type {HTMLElement} */ (document.querySelector('.app')).dataset.over = '';
  document.getElementById('sidebar')?.replaceChildren();
  for (const view of document.querySelectorAll('.app__main > *')) {
    const line = view.querySelector('[data-slot="connection"]');
    view.replaceChildren(...(line ? [line] : []));
  }
}
