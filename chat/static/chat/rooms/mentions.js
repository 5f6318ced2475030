/**
 * The unread messages of a room that mention the user, by number: marking as read or unread is
 * arithmetic. No DOM.
 * @module
 */

/** @typedef {import('../timeline/message.js').Message} Message */

/** Of one room; a badge shows "99+" long before. */
const MAX_KNOWN = 1000;
// The server renders @room as this tag, which users cannot write.
const EVERYBODY = /<span[^>]*\sdata-room=/;

/**
 * True if a message mentions the user or the whole room.
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

  /** How many are above the read number. @param {number} read */
  count(read) {
    return this.after(read).length;
  }

  /** @param {number} number @returns {number[]} */
  after(number) {
    return [...this.#numbers].filter((each) => each > number);
  }

  /**
   * A message changed: it may mention the user now, or no longer.
   * @param {number} number
   * @param {boolean} isForMe
   */
  saw(number, isForMe) {
    if (!isForMe) return void this.#numbers.delete(number);
    this.#numbers.add(number);
    if (this.#numbers.size > MAX_KNOWN) this.#numbers.delete(Math.min(...this.#numbers));
  }
}
