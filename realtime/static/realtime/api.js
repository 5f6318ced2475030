/**
 * Requests over HTTP: JSON, CSRF, and the errors of the protocol (docs/protocol.md §6).
 *
 *     const api = new Api();
 *     const { room, membership, seq, messages } = await api.get('/api/rooms/42/');
 *     await api.post('/api/rooms/', { name: 'Lab', kind: 'public' });
 * @module
 */

import { realClock } from './lib/clock.js';
import { HoldfastError, LOCAL_CODES } from './lib/errors.js';
import { words } from './lib/words.js';

/** @typedef {import('./types.js').Clock} Clock */

/** Longer than a server holds a long poll. */
export const REQUEST_TIMEOUT_MS = 40_000;
/** CSRF_COOKIE_NAME in realtime/settings.py: with HTTPS and without. */
const CSRF_COOKIES = ['__Host-csrftoken', 'csrftoken'];
/** Django's CSRF_HEADER_NAME. */
const CSRF_HEADER = 'X-CSRFToken';
const EPOCH_HEADER = 'Stream-Epoch';

/**
 * @typedef {object} ApiOptions
 * @property {string} [base]  another origin, for pages with a token
 * @property {string} [token]  a bearer token, for pages without a session
 * @property {typeof fetch} [fetch]
 * @property {() => string} [cookies]  returns `document.cookie`
 * @property {(epoch: string) => void} [onEpoch] called with the epoch of every answer that has
 *   one
 * @property {Clock} [clock]
 *
 * @typedef {object} RequestOptions
 * @property {Record<string, string | number | boolean | null | undefined>} [query] null and
 *   undefined are left out
 * @property {AbortSignal} [signal]
 * @property {number} [timeoutMs]
 */

export class Api {
  #base;
  #token;
  #fetch;
  #cookies;
  #onEpoch;
  #clock;
  /** @type {string | null} */
  #epoch = null;

  /** @param {ApiOptions} [options] */
  constructor({ base = '', token, fetch, cookies, onEpoch, clock = realClock } = {}) {
    this.#base = base;
    this.#token = token;
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis);
    this.#cookies = cookies ?? (() => globalThis.document?.cookie ?? '');
    this.#onEpoch = onEpoch;
    this.#clock = clock;
  }

  /** The epoch of the last answer that had one. */
  get epoch() {
    return this.#epoch;
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | boolean | null | undefined>} [query]
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  get(path, query, options) {
    return this.request('GET', path, undefined, { query, ...options });
  }

  /**
   * @param {string} path
   * @param {unknown} [body]
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  post(path, body = {}, options) {
    return this.request('POST', path, body, options);
  }

  /**
   * @param {string} path
   * @param {unknown} body
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  patch(path, body, options) {
    return this.request('PATCH', path, body, options);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}  the answer's JSON
   * @throws {HoldfastError}  the server's, or `no_reply`, `timed_out`, `unreadable`
   */
  async request(method, path, body, { query, signal, timeoutMs = REQUEST_TIMEOUT_MS } = {}) {
    const aborter = new AbortController();
    const abort = () => aborter.abort(signal?.reason);
    const timer = this.#clock.setTimeout(
      () => aborter.abort(new HoldfastError(LOCAL_CODES.TIMED_OUT, words.timedOut)),
      timeoutMs,
    );
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    try {
      const response = await this.#fetch(
        this.#base + path + queryString(query),
        this.#init(method, body, aborter.signal),
      );
      this.#noteEpoch(response);
      return await read(response);
    } catch (error) {
      throw this.#explain(error, aborter.signal);
    } finally {
      this.#clock.clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * @param {string} method
   * @param {unknown} body
   * @param {AbortSignal} signal
   * @returns {RequestInit}
   */
  #init(method, body, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    else if (method !== 'GET') headers[CSRF_HEADER] = csrfToken(this.#cookies());
    return {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: this.#token ? 'omit' : 'same-origin',
    };
  }

  /** @param {Response} response */
  #noteEpoch(response) {
    const epoch = response.headers.get(EPOCH_HEADER);
    if (!epoch) return;
    this.#epoch = epoch;
    this.#onEpoch?.(epoch);
  }

  /**
   * @param {unknown} error
   * @param {AbortSignal} signal
   */
  #explain(error, signal) {
    if (error instanceof HoldfastError) return error;
    if (signal.aborted)
      return signal.reason instanceof HoldfastError
        ? signal.reason
        : new HoldfastError(LOCAL_CODES.NO_REPLY, words.givenUp);
    return new HoldfastError(LOCAL_CODES.NO_REPLY, words.unreachable);
  }
}

/** @param {Response} response */
async function read(response) {
  const text = await response.text();
  const value = parse(text);
  if (response.ok && value !== undefined) return value;
  if (value?.error) throw HoldfastError.from(value.error, response.status);
  throw unexpected(response);
}

/** The error for an answer of a proxy, not of the application. @param {Response} response */
function unexpected(response) {
  const retryAfter = Number(response.headers.get('Retry-After')) || null;
  if ([502, 503, 504].includes(response.status)) {
    return new HoldfastError('unavailable', words.unavailable, {
      retryAfter,
      status: response.status,
    });
  }
  if (response.status === 429)
    return new HoldfastError('rate_limited', words.tooManyRequests, { retryAfter, status: 429 });
  if (response.status === 413)
    return new HoldfastError(LOCAL_CODES.TOO_BIG, words.tooBig, { status: 413 });
  return new HoldfastError(LOCAL_CODES.UNREADABLE, words.unreadableStatus(response.status), {
    status: response.status,
  });
}

/** @param {string} text @returns {any} */
function parse(text) {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {RequestOptions['query']} query */
function queryString(query) {
  const pairs = Object.entries(query ?? {}).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return pairs.length > 0
    ? `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`
    : '';
}

/** @param {string} cookies */
function csrfToken(cookies) {
  const pairs = cookies.split('; ');
  for (const name of CSRF_COOKIES) {
    const found = pairs.find((pair) => pair.startsWith(`${name}=`));
    if (found) return decodeURIComponent(found.slice(name.length + 1));
  }
  return '';
}
