/**
 * What the browser says about this page, passed on to its connection: looked at again, back from
 * the cache, thawed, online, offline, left, frozen.
 * @module
 */

/** @param {import('../client.js').Client} client */
export function listenToBrowser(client) {
  addEventListener('pageshow', () => client.wake());
  addEventListener('online', () => client.wake());
  addEventListener('offline', () => client.sleep());
  // A page in the back/forward cache may have no open connection; a frozen one would keep it from
  // the browser's other tabs.
  addEventListener('pagehide', () => client.sleep());
  document.addEventListener('freeze', () => client.sleep());
  document.addEventListener('resume', () => client.wake());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') client.wake();
  });
}
