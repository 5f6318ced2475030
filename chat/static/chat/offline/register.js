/**
 * Registers the service worker when the page is idle. Browsers allow workers only over HTTPS and on
 * localhost.
 * @module
 */

const whenIdle =
  globalThis.requestIdleCallback ?? ((/** @type {() => void} */ act) => setTimeout(act, 1000));

if ('serviceWorker' in navigator) {
  addEventListener('load', () => {
    const address = `/service-worker.js?language=${document.documentElement.lang}`;
    // Without a worker the site still works.
    whenIdle(() => void navigator.serviceWorker.register(address).catch(() => {}));
  });
}
