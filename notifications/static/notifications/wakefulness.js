/**
 * What the browser says about this page, passed on to its connection: looked at again, back from the cache, online, offline, left.
 * @module
 */

/** @param {import('../realtime/client.js').Client} client */
export function listenToBrowser(client) {
  addEventListener('pageshow', () => client.wake());
  addEventListener('online', () => client.wake());
  addEventListener('offline', () => client.sleep());
  // A page in the back/forward cache may have no open connection.
  addEventListener('pagehide', () => client.sleep());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') client.wake();
  });
}
