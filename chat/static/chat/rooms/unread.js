/**
 * What of a room I have not read: what stands above my read number, and which of it mentions me. No
 * DOM.
 * @module
 */

import { Unread } from '../../realtime/streams/store.js';
import { mentionsMe, UnreadMentions } from './mentions.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {{room: Row, membership: Row | null, mentions?: number[]}} Told a room as the server
 *   lists it, shows it, or takes a snapshot of it
 */

export class UnreadMessages {
  #numbers;
  #mentions;
  /** My read number as my inbox told it last: only going back makes it fall. */
  #heard;
  /** How often I have gone back here without an answer yet. */
  #going = 0;
  /**
   * Where my inbox tells of my last going back. What it tells up to there is from before, however
   * late it comes.
   */
  #since = 0;
  /**
   * @type {{number: number, seq: number} | null} what my inbox told last while an answer was
   *   awaited
   */
  #waiting = null;

  /** @param {Told} told */
  constructor(told) {
    this.#numbers = new Unread({ last: told.room.last_number, read: readNumber(told) });
    this.#mentions = new UnreadMentions(told.mentions);
    this.#heard = this.#numbers.read;
  }

  get count() {
    return this.#numbers.count;
  }

  get mentions() {
    return this.#mentions.count(this.#numbers.read);
  }

  get read() {
    return this.#numbers.read;
  }

  get last() {
    return this.#numbers.last;
  }

  /** The room's page was opened. It may be older than what events have told. @param {Told} told */
  opened(told) {
    this.#numbers.saw(told.room.last_number);
    this.#numbers.readTo(readNumber(told));
    this.mentionsAre(told.mentions);
  }

  /** @param {number} number */
  exists(number) {
    this.#numbers.saw(number);
  }

  /** A message in a new state. @param {Message} message @param {number} meId */
  saw(message, meId) {
    const number = /** @type {number} */ (message.number);
    this.#numbers.saw(number);
    this.#mentions.saw(number, mentionsMe(message, meId));
  }

  /** The server has counted them again. @param {number[]} [numbers] */
  mentionsAre(numbers) {
    this.#mentions = new UnreadMentions(numbers);
  }

  /** Up to here, wherever that is. @param {number} number */
  readTo(number) {
    this.#numbers.readTo(number);
  }

  /**
   * My inbox tells my read number, at a position of its own.
   * @param {number} number
   * @param {number} seq
   * @returns {boolean}  I have gone back, elsewhere
   */
  heard(number, seq) {
    if (this.#going > 0) {
      this.#waiting = { number, seq };
      return false;
    }
    if (seq <= this.#since) return false;
    const wentBack = number < this.#heard;
    this.#heard = number;
    this.readTo(wentBack ? number : Math.max(this.read, number));
    return wentBack;
  }

  /** I go back to before a message. @param {number} number */
  goBack(number) {
    this.#going += 1;
    this.#heard = Math.min(this.read, number - 1);
    this.readTo(this.#heard);
  }

  /**
   * The server has answered.
   * @param {number} seq  where my inbox tells of it; 0 where it was refused
   * @returns {boolean}  I have gone back elsewhere since
   */
  wentBack(seq) {
    this.#going -= 1;
    this.#since = Math.max(this.#since, seq);
    const told = this.#going === 0 ? this.#waiting : null;
    if (told === null) return false;
    this.#waiting = null;
    return this.heard(told.number, told.seq);
  }
}

/** Who is no member has nothing to read. @param {Told} told @returns {number} */
const readNumber = ({ room, membership }) => membership?.read_number ?? room.last_number;
