/**
 * The messages that others answer, in their newest known state: from the window of the room's
 * history, or kept outside it. No DOM.
 *
 * A change and an answer of the server may cross: a change is pushed, then an answer arrives that
 * was read before it. A deleted text must not come back, so the higher `seq` wins, and changes
 * during a request are kept.
 * @module
 */

import { HoldfastError } from '../../realtime/lib/errors.js';

/**
 * @typedef {import('./message.js').Message} Message
 *
 * @typedef {object} QuotesOptions
 * @property {(id: number) => Message | null | undefined} inside  a message of the window
 * @property {(id: number) => Promise<Message>} find  loads a message
 * @property {(messages: Message[]) => void} found
 */

/** Quoted messages that are kept outside the window. */
export const MAX_OUTSIDE_WINDOW = 500;

export class Quotes {
  #inside;
  #find;
  #found;
  /** The oldest first. @type {Map<number, Message>} */
  #outside = new Map();
  /** @type {Set<number>} */
  #requested = new Set();
  /** Requests under way whose answers may have quoted messages. */
  #loading = 0;

  /** @param {QuotesOptions} options */
  constructor({ inside, find, found }) {
    this.#inside = inside;
    this.#find = find;
    this.#found = found;
  }

  /** The message; null until it is loaded. @param {number} id @returns {Message | null} */
  get(id) {
    const known = newer(this.#inside(id), this.#outside.get(id));
    if (!known) void this.#fetch(id);
    return known ?? null;
  }

  /** Keep messages of an answer. @param {Message[]} messages */
  keep(messages) {
    for (const message of messages) this.#put(message);
    if (messages.length > 0) this.#found(messages);
  }

  /** Apply changes. @param {Message[]} messages */
  changed(messages) {
    for (const message of messages) {
      const id = /** @type {number} */ (message.id);
      if (this.#outside.has(id) || this.#requested.has(id) || this.#loading > 0) this.#put(message);
    }
  }

  /**
   * Wait for an answer, and keep its `quoted` messages.
   * @template {{quoted?: Message[]}} Answer
   * @param {Promise<Answer>} answer
   */
  async from(answer) {
    this.#loading += 1;
    try {
      const value = await answer;
      this.keep(value.quoted ?? []);
      return value;
    } finally {
      this.#loading -= 1;
    }
  }

  /** Messages below this number are no longer kept. @param {number} number */
  keepFrom(number) {
    for (const [id, message] of this.#outside) {
      if (message.number !== 0 && /** @type {number} */ (message.number) < number)
        this.#outside.set(id, gone(id));
    }
  }

  /**
   * Start again with a history of another epoch.
   * @param {Message[]} messages
   */
  replace(messages) {
    this.#outside.clear();
    this.keep(messages);
  }

  /** @param {number} id */
  async #fetch(id) {
    if (this.#requested.has(id)) return;
    this.#requested.add(id);
    try {
      this.keep([await this.#find(id)]);
    } catch (error) {
      // Removed by retention. Otherwise offline: requested again with the next paint.
      if (error instanceof HoldfastError && error.code === 'not_found') this.keep([gone(id)]);
    } finally {
      this.#requested.delete(id);
    }
  }

  /** @param {Message} message */
  #put(message) {
    const id = /** @type {number} */ (message.id);
    const kept = /** @type {Message} */ (newer(message, this.#outside.get(id)));
    this.#outside.delete(id);
    if (this.#outside.size >= MAX_OUTSIDE_WINDOW)
      this.#outside.delete(/** @type {number} */ (this.#outside.keys().next().value));
    this.#outside.set(id, kept);
  }
}

/**
 * The element in place of a message that is no longer kept.
 * @param {number} id
 * @returns {Message}
 */
const gone = (id) =>
  /** @type {any} */ ({
    id,
    number: 0,
    seq: 0,
    author: { id: 0, username: '', name: '' },
    body: '',
    deleted_at: new Date(0).toISOString(),
  });

/**
 * @param {Message | null | undefined} one
 * @param {Message | null | undefined} other
 */
function newer(one, other) {
  if (!one || !other) return one ?? other;
  return (other.seq ?? 0) > (one.seq ?? 0) ? other : one;
}
