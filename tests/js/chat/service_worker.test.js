import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';

const SOURCE = readFileSync(
  new URL('../../../chat/static/chat/offline/worker.js', import.meta.url),
  'utf8',
);
const ORIGIN = 'https://chat.example.org';

/**
 * The worker as a browser starts it.
 * @param {{answer?: any, tabs?: any[], caches?: string[]}} [world]
 */
function started({ answer, tabs = [], caches = [] } = {}) {
  /** @type {Record<string, (event: any) => void>} */
  const listeners = {};
  /** @type {string[]} */
  const done = [];
  const self = {
    HOLDFAST: { page: '<h1>No connection</h1>', policy: "default-src 'none'" },
    location: new URL(`${ORIGIN}/service-worker.js`),
    addEventListener: (/** @type {string} */ name, /** @type {any} */ listener) =>
      (listeners[name] = listener),
    skipWaiting: () => done.push('skipWaiting'),
    registration: { navigationPreload: { enable: async () => done.push('preload') } },
    caches: {
      keys: async () => caches,
      delete: async (/** @type {string} */ name) => done.push(`delete ${name}`),
    },
    clients: {
      matchAll: async () => tabs,
      openWindow: async (/** @type {string} */ url) => done.push(`window ${url}`),
    },
  };
  const fetch = async () => {
    done.push('fetch');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  runInContext(SOURCE, createContext({ self, fetch, Response, URL, MessageChannel, setTimeout }));

  /** @param {string} name @param {object} [fields] @returns {Promise<any>} */
  async function happens(name, fields = {}) {
    /** @type {any} */
    let waited;
    const keep = (/** @type {any} */ promise) => (waited = promise);
    listeners[name]({ waitUntil: keep, respondWith: keep, ...fields });
    return waited;
  }
  return { done, happens };
}

const page = { mode: 'navigate', method: 'GET' };

/** @param {{user?: number, frozen?: boolean, refuses?: boolean}} [options] @returns {any} */
function tab({ user = 7, frozen = false, refuses = false } = {}) {
  return {
    opened: [],
    focused: false,
    postMessage(/** @type {any} */ message, /** @type {MessagePort[]} */ [port] = []) {
      if (message.holdfast === 'open') this.opened.push(message.url);
      else if (!frozen && message.user === user) port.postMessage(true);
    },
    async focus() {
      if (refuses) throw new Error('no gesture');
      this.focused = true;
    },
  };
}

/** @param {any[]} tabs @param {string} [url] */
async function pressed(tabs, url = '/rooms/lab/3/') {
  const closed = { count: 0 };
  const { done, happens } = started({ tabs });
  await happens('notificationclick', {
    notification: { data: { user: 7, url, ids: [1] }, close: () => closed.count++ },
  });
  assert.equal(closed.count, 1);
  return done;
}

describe('a page that is asked for', () => {
  test('comes from the server', async () => {
    const answer = new Response('Lab');
    assert.equal(await started({ answer }).happens('fetch', { request: page }), answer);
  });

  test('is not asked for twice where the browser has begun', async () => {
    const answer = new Response('Lab');
    const { done, happens } = started();
    assert.equal(
      await happens('fetch', { request: page, preloadResponse: Promise.resolve(answer) }),
      answer,
    );
    assert.deepEqual(done, []);
  });

  test('and cannot be had is the one that is carried', async () => {
    const answer = await started({ answer: new TypeError('Failed to fetch') }).happens('fetch', {
      request: page,
    });
    assert.deepEqual([answer.status, await answer.text()], [503, '<h1>No connection</h1>']);
    assert.equal(answer.headers.get('Content-Security-Policy'), "default-src 'none'");
  });

  for (const status of [502, 503, 504]) {
    test(`and is answered with ${status} is the one that is carried`, async () => {
      const answer = await started({ answer: new Response('', { status }) }).happens('fetch', {
        request: page,
      });
      assert.equal(await answer.text(), '<h1>No connection</h1>');
    });
  }

  test('and does not exist, or broke, is as the server says', async () => {
    for (const status of [403, 404, 500]) {
      assert.equal(
        (
          await started({ answer: new Response('', { status }) }).happens('fetch', {
            request: page,
          })
        ).status,
        status,
      );
    }
  });
});

test('requests of pages, their files and what they send are none of its business', async () => {
  for (const request of [
    { mode: 'cors', method: 'GET' },
    { mode: 'no-cors', method: 'GET' },
    { mode: 'navigate', method: 'POST' },
  ]) {
    const { done, happens } = started();
    assert.equal(await happens('fetch', { request }), undefined);
    assert.deepEqual(done, []);
  }
});

test('a new one takes over at once, and no cache is left', async () => {
  const { done, happens } = started({ caches: ['old', 'older'] });
  await happens('install');
  await happens('activate');
  assert.deepEqual(done, ['skipWaiting', 'preload', 'delete old', 'delete older']);
});

test('where the browser cannot pass requests by the worker, it is installed all the same', async () => {
  const addRoutes = async () => {
    throw new TypeError('unknown condition');
  };
  await started().happens('install', { addRoutes });
});

describe('a notification that is pressed', () => {
  test('opens in the tab that was looked at last', async () => {
    const [first, second] = [tab(), tab()];
    assert.deepEqual(await pressed([first, second]), []);
    assert.deepEqual([first.opened, first.focused, second.opened], [['/rooms/lab/3/'], true, []]);
  });

  test('but in no frozen tab, and in no tab of another user', async () => {
    const able = tab();
    await pressed([tab({ frozen: true }), tab({ user: 8 }), able]);
    assert.deepEqual(able.opened, ['/rooms/lab/3/']);
  });

  test('opens a window where no tab can', async () => {
    assert.deepEqual(await pressed([tab({ frozen: true })]), ['window /rooms/lab/3/']);
  });

  test('opens although the tab cannot be brought to the front', async () => {
    const behind = tab({ refuses: true });
    await pressed([behind]);
    assert.deepEqual(behind.opened, ['/rooms/lab/3/']);
  });

  test('that leads elsewhere has a window of its own', async () => {
    assert.deepEqual(await pressed([tab()], 'https://status.example.org/'), [
      'window https://status.example.org/',
    ]);
  });
});
