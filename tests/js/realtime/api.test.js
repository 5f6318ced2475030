import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Api, REQUEST_TIMEOUT_MS } from '../../../realtime/static/realtime/api.js';
import { asHoldfastError, HoldfastError } from '../../../realtime/static/realtime/lib/errors.js';
import { FakeClock, settle } from '../support/clock.js';

/**
 * An API whose answers the test gives.
 * @param {(url: string, init: any) => Response | Promise<Response>} answer
 * @param {Partial<import('../../../realtime/static/realtime/api.js').ApiOptions>} [options]
 */
function scene(answer, options = {}) {
  /** @type {{url: string, init: any}[]} */
  const requests = [];
  const clock = new FakeClock();
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    requests.push({ url, init });
    return answer(url, init);
  };
  const api = new Api({
    fetch,
    cookies: () => 'sessionid=s; csrftoken=to%2Fken; theme=dark',
    clock,
    ...options,
  });
  return { api, requests, clock };
}

/** @param {unknown} body @param {ResponseInit} [init] */
const json = (body, init) => new Response(JSON.stringify(body), init);

describe('requests', () => {
  test('get with a query, leaving out what is not set', async () => {
    const { api, requests } = scene(() => json({ messages: [] }));
    assert.deepEqual(
      await api.get('/api/rooms/1/messages', {
        before: 40,
        after: null,
        around: undefined,
        limit: 50,
      }),
      { messages: [] },
    );
    assert.equal(requests[0].url, '/api/rooms/1/messages?before=40&limit=50');
    assert.equal(requests[0].init.method, 'GET');
    assert.equal(requests[0].init.body, undefined);
    assert.equal(requests[0].init.headers['X-CSRFToken'], undefined);
  });

  test('post JSON with the CSRF token of the cookie', async () => {
    const { api, requests } = scene(() => json({ room: {} }, { status: 201 }));
    await api.post('/api/rooms/', { name: 'Lab' });
    const { init } = requests[0];
    assert.equal(init.headers['X-CSRFToken'], 'to/ken');
    assert.equal(init.headers['Content-Type'], 'application/json');
    assert.equal(init.body, '{"name":"Lab"}');
    assert.equal(init.credentials, 'same-origin');
  });

  test('patch as well, and an empty answer is an empty object', async () => {
    const { api, requests } = scene(() => new Response(null, { status: 204 }), {
      cookies: () => '',
    });
    assert.deepEqual(await api.patch('/api/rooms/1/', { topic: 'x' }), {});
    assert.equal(requests[0].init.method, 'PATCH');
    assert.equal(requests[0].init.headers['X-CSRFToken'], '');
  });

  test('of a page without a session carry the token and no cookies', async () => {
    const { api, requests } = scene(() => json({}), {
      token: 'secret',
      base: 'https://chat.example',
    });
    await api.post('/api/commands');
    const { url, init } = requests[0];
    assert.equal(url, 'https://chat.example/api/commands');
    assert.equal(init.headers.Authorization, 'Bearer secret');
    assert.equal(init.credentials, 'omit');
    assert.equal(init.headers['X-CSRFToken'], undefined);
  });

  test('tell the epoch of their answers', async () => {
    /** @type {string[]} */
    const epochs = [];
    const { api } = scene(() => json({}, { headers: { 'Stream-Epoch': 'e-1' } }), {
      onEpoch: (epoch) => void epochs.push(epoch),
    });
    assert.equal(api.epoch, null);
    await api.get('/api/rooms/');
    assert.deepEqual(epochs, ['e-1']);
    assert.equal(api.epoch, 'e-1');
  });
});

describe('what goes wrong', () => {
  test('has the message of the server', async () => {
    const error = { code: 'slow_mode', message: 'Wait 4 s.', retry_after: 4, data: { room: 1 } };
    const { api } = scene(() => json({ error }, { status: 429 }));
    await assert.rejects(api.post('/api/commands'), {
      name: 'HoldfastError',
      code: 'slow_mode',
      message: 'Wait 4 s.',
      retryAfter: 4,
      data: { room: 1 },
      status: 429,
    });
  });

  for (const [status, code, retryAfter] of /** @type {const} */ ([
    [502, 'unavailable', null],
    [503, 'unavailable', 7],
    [504, 'unavailable', null],
    [429, 'rate_limited', null],
    [413, 'too_big', null],
    [500, 'unreadable', null],
    [200, 'unreadable', null],
  ])) {
    test(`a proxy's page with ${status} is ${code}`, async () => {
      /** @type {Record<string, string>} */
      const headers = retryAfter ? { 'Retry-After': String(retryAfter) } : {};
      const { api } = scene(() => new Response('<html>', { status, headers }));
      await assert.rejects(api.get('/'), { code, status, retryAfter });
    });
  }

  test('no network is no reply', async () => {
    const { api } = scene(() => Promise.reject(new TypeError('Failed to fetch')));
    await assert.rejects(api.get('/'), { code: 'no_reply' });
  });

  test('an answer that takes too long is given up', async () => {
    const { api, clock } = scene(
      (_, { signal }) =>
        new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const asked = assert.rejects(api.get('/'), { code: 'timed_out' });
    await clock.advance(REQUEST_TIMEOUT_MS);
    await asked;
    assert.equal(clock.pending, 0);
  });

  test('the page itself can give up', async () => {
    const aborter = new AbortController();
    const { api } = scene(
      (_, { signal }) =>
        new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const asked = assert.rejects(api.get('/', {}, { signal: aborter.signal }), {
      code: 'no_reply',
    });
    await settle();
    aborter.abort();
    await asked;
  });

  test('before it begins, too', async () => {
    const { api } = scene((_, { signal }) =>
      signal.aborted ? Promise.reject(signal.reason) : json({}),
    );
    await assert.rejects(api.get('/', {}, { signal: AbortSignal.abort() }), { code: 'no_reply' });
  });
});

describe('errors', () => {
  test('come out of whatever a server sends', () => {
    for (const rubbish of [
      null,
      7,
      'x',
      [],
      { code: 3 },
      { retry_after: 'soon' },
      { retry_after: -1 },
    ]) {
      const error = HoldfastError.from(rubbish);
      assert.equal(error.code, 'unreadable');
      assert.equal(error.retryAfter, null);
    }
  });

  test('come out of whatever is thrown', () => {
    const error = new HoldfastError('muted', 'You are muted.');
    assert.equal(asHoldfastError(error), error);
    assert.equal(asHoldfastError(new Error('oops')).message, 'oops');
    assert.equal(asHoldfastError('oops').message, 'oops');
  });
});
