/**
 * How far the other members of a room have read, where the room has read receipts. No DOM.
 * @module
 */

/**
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {{user: number, number: number, joined_at: string}} Receipt
 */

export class Readers {
  /** @type {Map<number, Receipt>} */
  #byUser = new Map();
  /** The user sees who has read a message. */
  isOn = false;

  /** Use the answer of the server; null: no receipts here. @param {Receipt[] | null} receipts */
  replace(receipts) {
    this.isOn = receipts !== null;
    this.#byUser = new Map((receipts ?? []).map((receipt) => [receipt.user, receipt]));
  }

  /**
   * Receipts from a signal. One may be lower: the user has marked messages as unread.
   * @param {Receipt[]} receipts
   */
  receive(receipts) {
    for (const receipt of receipts) this.#byUser.set(receipt.user, receipt);
  }

  /**
   * The members who have read a message, without its author and those who joined after it.
   * @param {Message} message
   * @returns {number[]}
   */
  of(message) {
    const written = Date.parse(message.created_at);
    return [...this.#byUser.values()]
      .filter(
        ({ user, number, joined_at }) =>
          user !== message.author.id &&
          number >= (message.number ?? Infinity) &&
          Date.parse(joined_at) <= written,
      )
      .map(({ user }) => user);
  }
}
