/**
 * Commands that wait for their reply: one id each, a time limit each, and a limit on how many.
 *
 * A reply is handed over by a callback, not by a promise: the object after it may stand in the same
 * WebSocket message, and must find the world as the reply left it. (A page that makes a stream
 * level, and its next event: it would come before the promise's continuation.)
 * @module
 */

import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Clock} Clock */

/**
 * A command without an answer after this long is given up; the server's own limits are far below.
 */
export const COMMAND_TIMEOUT_MS = 15_000;
/** Commands that wait for their reply; the server's inbound queue is as long. */
export const MAX_WAITING_COMMANDS = 256;
/** The server reads no larger message (docs/protocol.md §2). */
export const MAX_COMMAND_BYTES = 65_536;

/**
 * @typedef {object} Answer
 * @property {(data: any) => void} done  the reply's `data`
 * @property {(error: HoldfastError) => void} failed  the server's error, or one of LOCAL_CODES
 *
 * @typedef {Answer & {timer: unknown, size: number}} Waiting  `size` in bytes
 */

export class Replies {
  #clock;
  #overdue;
  /** @type {Map<unknown, Waiting>} */
  #waiting = new Map();
  #lastId = 0;

  /**
   * @param {Clock} clock
   * @param {() => void} overdue  called when a command was given up
   */
  constructor(clock, overdue) {
    this.#clock = clock;
    this.#overdue = overdue;
  }

  /** An id that no command of this connection has had. */
  nextId() {
    this.#lastId += 1;
    return this.#lastId;
  }

  /**
   * Send a command through `write` and wait.
   * @param {(text: string) => void} write
   * @param {string} command
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer
   * @param {number} timeoutMs
   */
  ask(write, command, fields, { done, failed }, timeoutMs) {
    if (this.#waiting.size >= MAX_WAITING_COMMANDS) {
      return failed(
        new HoldfastError(
          LOCAL_CODES.TOO_MANY,
          `${MAX_WAITING_COMMANDS} commands are waiting for an answer already.`,
        ),
      );
    }
    const id = this.nextId();
    const text = JSON.stringify({ ...fields, id, command });
    const size = byteLength(text);
    if (size > MAX_COMMAND_BYTES) {
      return failed(
        new HoldfastError(
          LOCAL_CODES.TOO_BIG,
          `This is too large to send: ${size} bytes; at most ${MAX_COMMAND_BYTES} are possible.`,
        ),
      );
    }
    const timer = this.#clock.setTimeout(() => this.#giveUp(id), timeoutMs);
    this.#waiting.set(id, { done, failed, timer, size });
    write(text);
  }

  /**
   * A reply came: its command's, a ping's, or one to a command that was given up.
   * @param {Record<string, any>} reply
   */
  settle(reply) {
    const waiting = this.#take(reply.id);
    if (reply.ok === true) waiting?.done(reply.data ?? {});
    else waiting?.failed(HoldfastError.from(reply.error));
  }

  /** The connection is gone, and with it all replies. */
  lose() {
    for (const id of [...this.#waiting.keys()]) {
      this.#take(id)?.failed(new HoldfastError(LOCAL_CODES.NO_REPLY, words.noReply));
    }
  }

  /**
   * The server closed over a message that it found too large: repeating it would close every
   * connection to come.
   */
  blameLargest() {
    const [largest] = [...this.#waiting].sort(([, a], [, b]) => b.size - a.size);
    if (largest)
      this.#take(largest[0])?.failed(new HoldfastError(LOCAL_CODES.TOO_BIG, words.tooBig));
  }

  /** @param {number} id */
  #giveUp(id) {
    this.#take(id)?.failed(new HoldfastError(LOCAL_CODES.TIMED_OUT, words.timedOut));
    this.#overdue();
  }

  /** @param {unknown} id */
  #take(id) {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return null;
    this.#waiting.delete(id);
    this.#clock.clearTimeout(waiting.timer);
    return waiting;
  }
}

/** @param {string} text */
function byteLength(text) {
  // No UTF-16 unit takes more than three bytes: short commands, the usual ones, are not encoded
  // twice.
  return text.length * 3 <= MAX_COMMAND_BYTES ? text.length : new TextEncoder().encode(text).length;
}
