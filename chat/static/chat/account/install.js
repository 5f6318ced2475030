/**
 * The page that helps to install the app. Browsers that can install it by a button say so with an
 * event; for the others, the page has the steps.
 * @module
 */

import { onAction, slot } from '../lib/dom.js';

/** @typedef {Event & {prompt: () => Promise<{outcome: string}>}} InstallEvent */

const installed = () => {
  slot(document, 'offer').hidden = true;
  slot(document, 'installed').hidden = false;
};

/** @type {InstallEvent | null} */
let offered = null;

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  offered = /** @type {InstallEvent} */ (event);
  slot(document, 'offer').hidden = false;
});
addEventListener('appinstalled', installed);
if (matchMedia('(display-mode: standalone)').matches) installed();

onAction(document, { install: () => void offered?.prompt() });
