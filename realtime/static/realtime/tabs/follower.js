/**
 * A tab without a connection of its own: it speaks the same frames to the tab that has one.
 *
 * A tab that leads may die, be frozen, or sit behind a network that is dead while the browser slows
 * its timers down. So a follower that hears nothing asks, and the leader answers when the server
 * has answered; whoever waits for that in vain takes the connection over.
 * @module
 */

import { Watch } from '../connection/heartbeat.js';
import { COMMAND_TIMEOUT_MS, Replies } from '../connection/replies.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { uuid } from '../lib/uuid.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').ConnectionState} ConnectionState */
/** @typedef {import('../types.js').Hello} Hello */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../connection/socket.js').SocketHandlers} SocketHandlers */

/** For the first word of a leader, and after the question of a page that a person looks at. */
export const LEADER_PATIENCE_MS = 3_000;
/**
 * After so much silence of the leader it is asked whether it lives: as often as a connection that
 * says nothing.
 */
export const ASK_AFTER_MS = 25_000;

/**
 * @typedef {object} FollowerOptions
 * @property {SocketHandlers} handlers
 * @property {(message: Record<string, any>) => void} post  to the other tabs
 * @property {() => void} takeOver  the leader does not answer
 * @property {(handler: () => void) => void} guarded  runs what may throw
 * @property {Clock} clock
 */

export class Follower {
  /** @readonly */
  seat = uuid();
  #handlers;
  #post;
  #guarded;
  #clock;
  #watch;
  #replies;
  /** @type {ConnectionState} */
  #state = { name: 'connecting' };
  /** The reign that this tab belongs to. @type {string | null} */
  #leader = null;
  /** The leader has told how things are, and from there on everything that happens. */
  #joined = false;
  /**
   * This tab holds the lock of its seat. A leader that hears of a seat that nobody holds takes its
   * tab for dead.
   */
  #seated = false;
  /** @type {unknown} */
  #due = null;

  /** @param {FollowerOptions} options */
  constructor({ handlers, post, takeOver, guarded, clock }) {
    this.#handlers = handlers;
    this.#guarded = guarded;
    this.#post = post;
    this.#clock = clock;
    this.#watch = new Watch(clock, () => this.#send(this.#joined ? 'knock' : 'join'), takeOver);
    this.#replies = new Replies(clock, () => this.wake());
  }

  /** The seat's lock is held: join the leader. After `stopped`, ask it to connect again. */
  start() {
    this.#seated = true;
    if (this.#joined) this.#send('start');
    else this.#ask();
  }

  /** Leave without a word: the leader sees the seat's lock. */
  stop() {
    this.#watch.end();
    this.#clock.clearTimeout(this.#due);
    this.#joined = false;
    this.#replies.lose();
  }

  wake() {
    this.#send('wake');
    this.#ask();
  }

  renew() {
    this.#send('renew');
  }

  retryNow() {
    this.#send('retry');
    this.#ask();
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer
   */
  ask(name, fields, answer) {
    if (!this.#joined || this.#state.name !== 'open')
      return answer.failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
    // A leader that was frozen must not send what its tab gave up long ago.
    const until = this.#clock.now() + COMMAND_TIMEOUT_MS;
    this.#replies.ask(
      (text) => this.#send('frame', { text, until }),
      name,
      fields,
      answer,
      COMMAND_TIMEOUT_MS,
    );
  }

  /** Another tab said something. @param {Record<string, any>} message */
  hear({ kind, leader, items }) {
    if (kind === 'here' && leader !== this.#leader) this.#begin(leader);
    else if (kind === 'gone' && leader === this.#leader) this.#begin(null);
    else if (kind === 'items')
      for (const item of items) this.#guarded(() => this.#take(leader, item));
  }

  /**
   * Ask the leader to let this tab in, or whether it is still there; `start` does it, should it be
   * too early.
   */
  #ask() {
    if (this.#seated) this.#watch.ask(LEADER_PATIENCE_MS);
  }

  /**
   * @param {string} kind
   * @param {Record<string, unknown>} [more]
   */
  #send(kind, more = {}) {
    this.#post({ kind, leader: this.#leader, seat: this.seat, ...more });
  }

  /**
   * Somebody else leads from now on: nothing that went through the one before is answered any more.
   * @param {string | null} leader
   */
  #begin(leader) {
    this.#leader = leader;
    this.#joined = false;
    this.#replies.lose();
    this.#enter({ name: 'connecting' });
    this.#watch.heard();
    this.#ask();
  }

  /**
   * @param {string} leader
   * @param {Record<string, any>} item
   */
  #take(leader, item) {
    const mine = item.to === undefined ? !item.except?.includes(this.seat) : item.to === this.seat;
    // A leader that was frozen may answer a question of long ago.
    if (item.welcome && mine && !this.#joined && (this.#leader ?? leader) === leader)
      this.#welcomed(leader);
    if (leader !== this.#leader || !this.#joined) return;
    this.#watch.heard();
    if (!mine) return;
    if (item.hello) this.#greeted(item.hello);
    else if (item.state) this.#enter(item.state);
    else if (item.reply) this.#replies.settle(item.reply);
    else if (item.object && this.#state.name === 'open') this.#handlers.object(item.object);
  }

  /** @param {string} leader */
  #welcomed(leader) {
    this.#leader = leader;
    this.#joined = true;
    this.#watch.heard();
    this.#watch.begin(ASK_AFTER_MS);
  }

  /** @param {Hello} hello */
  #greeted(hello) {
    this.#state = { name: 'open' };
    this.#handlers.hello(hello);
    if (this.#joined) this.#enter(this.#state);
  }

  /** @param {ConnectionState} state */
  #enter(state) {
    this.#state = state;
    this.#clock.clearTimeout(this.#due);
    if (state.name !== 'open') this.#replies.lose();
    // The timer of a hidden leader may come a minute late; messages come at once.
    if (state.name === 'waiting')
      this.#due = this.#clock.setTimeout(
        () => this.#send('wake'),
        Math.max(0, state.retryAt - this.#clock.now()),
      );
    this.#handlers.state(state);
  }
}
