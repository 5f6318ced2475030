/**
 * The messages that others answer, each in its newest known state: of the window of a room's
 * history, or kept beside it. No DOM.
 *
 * A change and an answer of the server may cross: the change is pushed, then an answer arrives that
 * was read before it. A deleted text must not come back that way, so the higher `seq` wins, and
 * what changes while an answer is under way is kept.
 * @module
 */

/**
 * @typedef {import('./message.js').Message} Message
 *
 * @typedef {object} QuotesOptions
 * @property {(id: number) => Message | null | undefined} inside  the window's message
 * @property {(id: number) => Promise<Message>} find  asks the server
 * @property {(messages: Message[]) => void} found
 */

/** Answered messages that are kept although they stand outside the window. */
export const MAX_BESIDE = 500;

export class Quotes {
  #inside;
  #find;
  #found;
  /** The one that was kept longest ago first. @type {Map<number, Message>} */
  #beside = new Map();
  /** @type {Set<number>} */
  #asked = new Set();
  /** Answers under way that may carry quoted messages. */
  #loading = 0;

  /** @param {QuotesOptions} options */
  constructor({ inside, find, found }) {
    this.#inside = inside;
    this.#find = find;
    this.#found = found;
  }

  /** The message, or null until it is found. @param {number} id @returns {Message | null} */
  get(id) {
    const known = newer(this.#inside(id), this.#beside.get(id));
    if (!known) void this.#ask(id);
    return known ?? null;
  }

  /** Answers of the server carried these. @param {Message[]} messages */
  keep(messages) {
    for (const message of messages) this.#put(message);
    if (messages.length > 0) this.#found(messages);
  }

  /** These are new or have changed. @param {Message[]} messages */
  changed(messages) {
    for (const message of messages) {
      const id = /** @type {number} */ (message.id);
      if (this.#beside.has(id) || this.#asked.has(id) || this.#loading > 0) this.#put(message);
    }
  }

  /**
   * Wait for an answer whose `quoted` are to be kept.
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

  /**
   * Another history begins, whose numbers cannot be compared with these.
   * @param {Message[]} messages
   */
  replace(messages) {
    this.#beside.clear();
    this.keep(messages);
  }

  /** @param {number} id */
  async #ask(id) {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    try {
      this.keep([await this.#find(id)]);
    } catch {
      // Offline, or no longer to be read: asked again when it is painted again.
    } finally {
      this.#asked.delete(id);
    }
  }

  /** @param {Message} message */
  #put(message) {
    const id = /** @type {number} */ (message.id);
    const kept = /** @type {Message} */ (newer(message, this.#beside.get(id)));
    this.#beside.delete(id);
    if (this.#beside.size >= MAX_BESIDE)
      this.#beside.delete(/** @type {number} */ (this.#beside.keys().next().value));
    this.#beside.set(id, kept);
  }
}

/**
 * @param {Message | null | undefined} one
 * @param {Message | null | undefined} other
 */
function newer(one, other) {
  if (!one || !other) return one ?? other;
  return (other.seq ?? 0) > (one.seq ?? 0) ? other : one;
}
