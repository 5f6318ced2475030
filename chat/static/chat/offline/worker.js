/**
 * The service worker, served at /service-worker.js behind a line that defines `HOLDFAST`
 * (chat/pages/offline.py).
 *
 * It shows the offline page that it contains if the server can't be reached, and opens the target
 * of a notification. It has no cache and handles only requests for pages
 * (docs/decisions/0010-the-worker-keeps-no-conversation.md). It is a classic script, because not
 * every browser supports modules in service workers.
 */

/**
 * @typedef {{user: number, url: string, ids: number[]}} Target The data of a notification
 *   (notifications/display.js).
 */

const worker = /** @type {any} */ (self);
/** @type {{page: string, policy: string}} */
const { page, policy } = worker.HOLDFAST;

/** The statuses of a proxy that reaches no server. */
const UNREACHABLE = [502, 503, 504];
/** How long a tab may take to reply that it can open the target; a frozen tab never replies. */
const ANSWER_MS = 500;

worker.addEventListener('install', (/** @type {any} */ event) => {
  // No tab depends on the previous worker.
  worker.skipWaiting();
  event.waitUntil(bypassSubresources(event));
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
 * Let requests for anything but pages bypass the worker, which may have to start first.
 * @param {any} event
 */
async function bypassSubresources(event) {
  try {
    await event.addRoutes?.([
      { condition: { not: { requestMode: 'navigate' } }, source: 'network' },
    ]);
  } catch {
    // The browser does not support these conditions; the fetch listener ignores such requests too.
  }
}

async function emptyCaches() {
  for (const name of await worker.caches.keys()) await worker.caches.delete(name);
}

/** @param {any} event */
async function visit({ request, preloadResponse }) {
  try {
    const answer = (await preloadResponse) ?? (await fetch(request));
    return UNREACHABLE.includes(answer.status) ? offlinePage() : answer;
  } catch {
    return offlinePage();
  }
}

function offlinePage() {
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
  };
  return new Response(page, { status: 503, headers });
}

/** Open it in the most recently used tab that can, else in a new one. @param {Target} target */
async function open(target) {
  if (new URL(target.url, worker.location.origin).origin !== worker.location.origin)
    return worker.clients.openWindow(target.url);
  const tabs = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const ready = await Promise.all(tabs.map((/** @type {any} */ tab) => canOpen(tab, target.user)));
  const tab = tabs.find((/** @type {any} */ _, /** @type {number} */ index) => ready[index]);
  if (!tab) return worker.clients.openWindow(target.url);
  tab.postMessage({ holdfast: 'open', ...target });
  // The target is open even if the tab can't get focus.
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
