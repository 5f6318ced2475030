/**
 * Passes the browser's page lifecycle events on to the connection: visible, restored from the
 * back/forward cache, resumed, online, offline, left, frozen.
 * @module
 */

/** @param {import('../client.js').Client} client */
export function followPageLifecycle(client) {
  addEventListener('pageshow', () => client.wake());
  addEventListener('online', () => client.wake());
  addEventListener('offline', () => client.sleep());
  // A page in the back/forward cache may have no open connection, and a frozen page would keep the
  // connection from the browser's other tabs.
  addEventListener('pagehide', () => client.sleep());
  document.addEventListener('freeze', () => client.sleep());
  document.addEventListener('resume', () => client.wake());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') client.wake();
  });
}
