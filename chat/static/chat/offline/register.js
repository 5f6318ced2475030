/**
 * Registers the service worker once the page has loaded. Browsers allow service workers only over
 * HTTPS and on localhost.
 * @module
 */

import { trustedScript } from '../../realtime/lib/trusted.js';
import { whenIdle } from '../lib/when_idle.js';

if ('serviceWorker' in navigator) {
  addEventListener('load', () => {
    const address = `/service-worker.js?language=${document.documentElement.lang}`;
    // The site also works without it.
    whenIdle(() => void navigator.serviceWorker.register(trustedScript(address)).catch(() => {}));
  });
}
