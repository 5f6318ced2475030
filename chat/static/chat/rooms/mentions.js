/**
 * Which unread messages of a room mention me: their numbers, so that reading on and going back are
 * arithmetic. No DOM.
 * @module
 */

/** @typedef {import('../timeline/message.js').Message} Message */

const MOST_KNOWN = 1000; // of one room; a badge says "99+" long before
// what the server makes of @room; nobody can write a tag
const EVERYBODY = /<span[^>]*\sdata-room=/;

/**
 * Is this message for me by name, or for everybody?
 * @param {Pick<Message, 'author' | 'mentions' | 'html' | 'deleted_at'>} message
 * @param {number} meId
 */
export function mentionsMe({ author, mentions, html, deleted_at }, meId) {
  if (deleted_at !== null || author.id === meId) return false;
  return mentions.includes(meId) || EVERYBODY.test(html ?? '');
}

export class UnreadMentions {
  /** @type {Set<number>} */
  #numbers;

  /** @param {number[]} [numbers]  as the server counted them */
  constructor(numbers = []) {
    this.#numbers = new Set(numbers);
  }

  /** How many of them are above what was read. @param {number} read */
  count(read) {
    let found = 0;
    for (const number of this.#numbers) if (number > read) found += 1;
    return found;
  }

  /**
   * A message in its newest state: it may mention me now, or no longer.
   * @param {number} number
   * @param {boolean} isForMe
   */
  saw(number, isForMe) {
    if (!isForMe) return void this.#numbers.delete(number);
    this.#numbers.add(number);
    if (this.#numbers.size > MOST_KNOWN) this.#numbers.delete(Math.min(...this.#numbers));
  }
}
