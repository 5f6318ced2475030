/**
 * Commands that wait for their reply, each with an id and a time limit.
 *
 * A reply calls back instead of resolving a promise. The next object may be in the same WebSocket
 * message and must be handled after the reply: a reply with a page makes a stream level, and the
 * event behind it would overtake the continuation of a promise.
 * @module
 */

import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Clock} Clock */

/** The time limit of a command; the server's own limits are far below. */
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
  #timedOut;
  /** @type {Map<unknown, Waiting>} */
  #waiting = new Map();
  #lastId = 0;

  /**
   * @param {Clock} clock
   * @param {() => void} timedOut  called when a command was given up
   */
  constructor(clock, timedOut) {
    this.#clock = clock;
    this.#timedOut = timedOut;
  }

  nextId() {
    this.#lastId += 1;
    return this.#lastId;
  }

  /**
   * Send a command through `write`, and wait for its reply.
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
          `${MAX_WAITING_COMMANDS} commands are already waiting for an answer.`,
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
          `This is too large to send: ${size} bytes; the limit is ${MAX_COMMAND_BYTES}.`,
        ),
      );
    }
    const timer = this.#clock.setTimeout(() => this.#giveUp(id), timeoutMs);
    this.#waiting.set(id, { done, failed, timer, size });
    write(text);
  }

  /**
   * Handle a reply: to a command, to a ping, or to a command that was given up.
   * @param {Record<string, any>} reply
   */
  settle(reply) {
    const waiting = this.#take(reply.id);
    if (reply.ok === true) waiting?.done(reply.data ?? {});
    else waiting?.failed(HoldfastError.from(reply.error));
  }

  /** The connection is gone: no more replies arrive. */
  failAll() {
    for (const id of [...this.#waiting.keys()]) {
      this.#take(id)?.failed(new HoldfastError(LOCAL_CODES.NO_REPLY, words.noReply));
    }
  }

  /**
   * The server closed the connection because of a message that is too large. The largest one must
   * not be repeated: it would close every connection.
   */
  failLargest() {
    const [largest] = [...this.#waiting].sort(([, a], [, b]) => b.size - a.size);
    if (largest)
      this.#take(largest[0])?.failed(new HoldfastError(LOCAL_CODES.TOO_BIG, words.tooBig));
  }

  /** @param {number} id */
  #giveUp(id) {
    this.#take(id)?.failed(new HoldfastError(LOCAL_CODES.TIMED_OUT, words.timedOut));
    this.#timedOut();
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
  // A UTF-16 unit takes at most three bytes, so the usual short command is not encoded twice.
  return text.length * 3 <= MAX_COMMAND_BYTES ? text.length : new TextEncoder().encode(text).length;
}
