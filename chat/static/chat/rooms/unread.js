/**
 * The unread messages of a room: those above the user's read number, without the ones that do not
 * count, and the ones among them that mention the user. No DOM.
 *
 * The user's own messages do not count, and neither do those of people that the user has blocked and
 * messages that show nothing: deleted ones, and ones under review.
 * @module
 */

import { mentionsMe, UnreadMentions } from './mentions.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../timeline/message.js').Message} Message
 *
 * @typedef {{room: Row, membership: Row | null, mentions?: number[],
 *   uncounted?: [number, number][]}} RoomState a room as the
 *   server lists it, shows it, or takes a snapshot of it
 */

export class UnreadMessages {
  #last;
  #read;
  /** The number before the oldest message that is kept. */
  #gone = 0;
  /** Numbers that do not count. @type {Set<number>} */
  #uncounted;
  #mentions;
  /** The read number that the inbox reported last. Only marking as unread makes it fall. */
  #reported;
  /** How many requests to mark messages as unread have no answer yet. */
  #marking = 0;
  /**
   * The position of the last such request in the inbox. Reports up to there are older than it,
   * even when they arrive later.
   */
  #markedAt = 0;
  /**
   * The inbox's last report while an answer was awaited.
   * @type {{number: number, seq: number} | null}
   */
  #deferred = null;

  /** @param {RoomState} state */
  constructor(state) {
    this.#last = state.room.last_number;
    this.#read = readNumber(state);
    this.#uncounted = new Set(numbersIn(state.uncounted));
    this.keepFrom(state.room.first_number);
    this.#reported = this.#read;
    this.#mentions = new UnreadMentions(state.mentions);
  }

  get count() {
    let found = Math.max(0, this.#last - this.#after);
    for (const number of this.#uncounted)
      if (number > this.#after && number <= this.#last) found -= 1;
    return found;
  }

  /** The first message from a number on that counts as unread; null: none. @param {number} number */
  firstFrom(number) {
    let first = Math.max(number, this.#gone + 1);
    while (this.#uncounted.has(first)) first += 1;
    return first <= this.#last ? first : null;
  }

  /** The number after which unread messages begin. */
  get #after() {
    return Math.max(this.#read, this.#gone);
  }

  get mentions() {
    return this.#mentions.count(this.#read);
  }

  get read() {
    return this.#read;
  }

  get last() {
    return this.#last;
  }

  /** The room's page was opened. It may be older than events. @param {RoomState} state */
  opened(state) {
    this.exists(state.room.last_number);
    this.readTo(readNumber(state));
    this.counted(state);
  }

  /** The last number never falls: an older state may arrive late. @param {number} number */
  exists(number) {
    this.#last = Math.max(this.#last, number);
  }

  /**
   * A message in a new state.
   * @param {Message} message
   * @param {number} meId
   * @param {boolean} [isBlocked]  its author is
   * @returns {boolean}  it is a new message that counts as unread
   */
  saw(message, meId, isBlocked = false) {
    const number = /** @type {number} */ (message.number);
    const isNew = number > this.#last;
    this.exists(number);
    this.#mentions.saw(number, !isBlocked && mentionsMe(message, meId));
    const isCounted =
      !isBlocked && message.author.id !== meId && !message.deleted_at && !message.hidden_at;
    if (isCounted) this.#uncounted.delete(number);
    else this.#uncounted.add(number);
    return isNew && isCounted;
  }

  /** The server has counted again. Newer messages may have come since. @param {RoomState} state */
  counted({ room, mentions, uncounted }) {
    const newer = [...this.#uncounted].filter((number) => number > room.last_number);
    this.#mentions = new UnreadMentions([
      ...(mentions ?? []),
      ...this.#mentions.after(room.last_number),
    ]);
    this.#uncounted = new Set([...numbersIn(uncounted), ...newer]);
  }

  /** Messages before this one are no longer kept. @param {number} [number] */
  keepFrom(number = 1) {
    this.#gone = Math.max(this.#gone, number - 1);
  }

  /** It may fall: "Mark as unread". @param {number} number */
  readTo(number) {
    this.#read = number;
  }

  /**
   * The inbox reports a read number, at a position of its own.
   * @param {number} number
   * @param {number} seq
   * @returns {boolean}  messages were marked as unread on another page or device
   */
  readReported(number, seq) {
    if (this.#marking > 0) {
      this.#deferred = { number, seq };
      return false;
    }
    if (seq <= this.#markedAt) return false;
    const wentBack = number < this.#reported;
    this.#reported = number;
    this.readTo(wentBack ? number : Math.max(this.#read, number));
    return wentBack;
  }

  /** Mark as unread from this message on, before the server answers. @param {number} number */
  markUnread(number) {
    this.#marking += 1;
    this.#reported = Math.min(this.#read, number - 1);
    this.readTo(this.#reported);
  }

  /**
   * The server has answered a request to mark messages as unread.
   * @param {number} seq  its position in the inbox; 0 if it was refused
   * @returns {boolean}  messages were marked as unread elsewhere since
   */
  markedUnread(seq) {
    this.#marking -= 1;
    this.#markedAt = Math.max(this.#markedAt, seq);
    const deferred = this.#marking === 0 ? this.#deferred : null;
    if (deferred === null) return false;
    this.#deferred = null;
    return this.readReported(deferred.number, deferred.seq);
  }
}

/** @param {[number, number][]} [ranges] */
const numbersIn = (ranges = []) =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index));

/** A user who is not a member has nothing to read. @param {RoomState} state @returns {number} */
const readNumber = ({ room, membership }) => membership?.read_number ?? room.last_number;
