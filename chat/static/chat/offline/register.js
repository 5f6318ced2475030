/**
 * Gives the site its service worker, once the page has all that it needs itself. Browsers have
 * workers over HTTPS and on localhost only.
 * @module
 */

const whenIdle =
  globalThis.requestIdleCallback ?? ((/** @type {() => void} */ act) => setTimeout(act, 1000));

if ('serviceWorker' in navigator) {
  addEventListener('load', () => {
    const address = `/service-worker.js?language=${document.documentElement.lang}`;
    // without it the site is as it was
    whenIdle(() => void navigator.serviceWorker.register(address).catch(() => {}));
  });
}
