/**
 * The service worker, served at /service-worker.js behind a line that defines `HOLDFAST`
 * (chat/pages/offline.py).
 *
 * It does two things: it shows the offline page when a page cannot be loaded, and it opens the page
 * of a notification. It stores no conversation: it has no cache, and only answers requests for
 * pages (docs/decisions/0010-the-worker-keeps-no-conversation.md). It is a classic script, because
 * not every browser supports modules in service workers.
 */

/**
 * @typedef {{user: number, url: string, ids: number[]}} NotificationData  The data of a
 *   notification (notifications/display.js).
 */

const worker = /** @type {any} */ (self);
/** @type {{page: string, policy: string}} */
const { page, policy } = worker.HOLDFAST;

/** The answers of a proxy without a server behind it. */
const GATEWAY_ERRORS = [502, 503, 504];
/** For a tab to answer that it can open a page; a frozen tab does not answer. */
const ANSWER_MS = 500;

worker.addEventListener('install', (/** @type {any} */ event) => {
  // No tab depends on the state of an older worker.
  worker.skipWaiting();
  event.waitUntil(bypassOtherRequests(event));
});

worker.addEventListener('activate', (/** @type {any} */ event) => {
  event.waitUntil(Promise.all([worker.registration.navigationPreload?.enable(), emptyCaches()]));
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { mode, method } = event.request;
  if (mode === 'navigate' && method === 'GET') event.respondWith(visit(event));
});

worker.addEventListener('notificationclick', (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});

/**
 * Requests for scripts, images and data need not wait until the worker has started.
 * @param {any} event
 */
async function bypassOtherRequests(event) {
  try {
    await event.addRoutes?.([
      { condition: { not: { requestMode: 'navigate' } }, source: 'network' },
    ]);
  } catch {
    // The browser does not support these conditions: the listener passes such requests through.
  }
}

async function emptyCaches() {
  for (const name of await worker.caches.keys()) await worker.caches.delete(name);
}

/** @param {any} event */
async function visit({ request, preloadResponse }) {
  try {
    const answer = (await preloadResponse) ?? (await fetch(request));
    return GATEWAY_ERRORS.includes(answer.status) ? nobodyThere() : answer;
  } catch {
    return nobodyThere();
  }
}

function nobodyThere() {
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
  };
  return new Response(page, { status: 503, headers });
}

/** Open in the most recent tab that can, otherwise in a new one. @param {NotificationData} data */
async function open(data) {
  if (new URL(data.url, worker.location.origin).origin !== worker.location.origin)
    return worker.clients.openWindow(data.url);
  const tabs = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const able = await Promise.all(tabs.map((/** @type {any} */ tab) => canOpen(tab, data.user)));
  const tab = tabs.find((/** @type {any} */ _, /** @type {number} */ index) => able[index]);
  if (!tab) return worker.clients.openWindow(data.url);
  tab.postMessage({ holdfast: 'open', ...data });
  // If this fails, the page is open in the background.
  await tab.focus().catch(() => {});
}

/** @param {any} tab @param {number} user @returns {Promise<boolean>} */
function canOpen(tab, user) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => resolve(true);
    setTimeout(() => resolve(false), ANSWER_MS);
    tab.postMessage({ holdfast: 'can-open', user }, [port2]);
  }).finally(() => port1.close());
}
