/**
 * The service worker, served at /service-worker.js behind a line that defines `HOLDFAST`
 * (chat/offline.py).
 *
 * It does two things: where a page cannot be had it shows the one that it carries, and it opens
 * what a notification tells of. It keeps nothing that anybody has read: it has no cache, and
 * answers no request but for pages (docs/decisions/0010-the-worker-keeps-no-conversation.md). A
 * classic script, because not every browser has modules in service workers.
 */

/**
 * @typedef {{user: number, url: string, ids: number[]}} Told What a notification carries
 *   (notifications/display.js).
 */

const worker = /** @type {any} */ (self);
/** @type {{page: string, policy: string}} */
const { page, policy } = worker.HOLDFAST;

/** What a proxy answers while nobody is behind it. */
const NOBODY_THERE = [502, 503, 504];
/** For a tab to say that it can open something; one that the browser has frozen says nothing. */
const ANSWER_MS = 500;

worker.addEventListener('install', (/** @type {any} */ event) => {
  worker.skipWaiting(); // no tab depends on what an older one held
  event.waitUntil(leaveTheRestAlone(event));
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
 * Scripts, pictures and requests of pages need not wait until a worker has started.
 * @param {any} event
 */
async function leaveTheRestAlone(event) {
  try {
    await event.addRoutes?.([
      { condition: { not: { requestMode: 'navigate' } }, source: 'network' },
    ]);
  } catch {
    // A browser with other conditions: the listener lets them pass as well.
  }
}

async function emptyCaches() {
  for (const name of await worker.caches.keys()) await worker.caches.delete(name);
}

/** @param {any} event */
async function visit({ request, preloadResponse }) {
  try {
    const answer = (await preloadResponse) ?? (await fetch(request));
    return NOBODY_THERE.includes(answer.status) ? nobodyThere() : answer;
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

/** In the tab that was looked at last, of those that can; else in a new one. @param {Told} told */
async function open(told) {
  if (new URL(told.url, worker.location.origin).origin !== worker.location.origin)
    return worker.clients.openWindow(told.url);
  const tabs = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const able = await Promise.all(tabs.map((/** @type {any} */ tab) => canOpen(tab, told.user)));
  const tab = tabs.find((/** @type {any} */ _, /** @type {number} */ index) => able[index]);
  if (!tab) return worker.clients.openWindow(told.url);
  tab.postMessage({ holdfast: 'open', ...told });
  await tab.focus().catch(() => {}); // it is open, if not in front
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
