/**
 * The switch of the account page that keeps rooms on this device for reading without a connection.
 * @module
 */

import { slot } from '../lib/dom.js';
import { choose, isWanted } from '../offline/kept_store.js';

const section = /** @type {HTMLElement} */ (
  document.querySelector('section[aria-labelledby="offline-title"]')
);
const box = /** @type {HTMLInputElement} */ (slot(section, 'offline-choice'));
const user = Number(
  /** @type {HTMLElement} */ (document.querySelector('.plain[data-me]')).dataset.me,
);

// Without a worker there is no page to show them.
const isPossible = 'serviceWorker' in navigator && 'indexedDB' in globalThis;
box.disabled = !isPossible;
slot(section, 'offline-impossible').hidden = isPossible;
show();

box.addEventListener('change', () => {
  void choose(user, box.checked).then(show, show);
});
// Another tab may have changed it.
addEventListener('storage', show);
addEventListener('pageshow', show);

function show() {
  box.checked = isPossible && isWanted(user);
}
