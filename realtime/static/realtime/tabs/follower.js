/**
 * A tab without a connection of its own: it sends the same frames to the tab that has one.
 *
 * The leading tab may die, be frozen, or have a dead network while the browser slows its timers
 * down. So a follower that receives nothing pings the leader, which answers when the server has
 * answered. A follower that gets no answer takes the connection over.
 * @module
 */

import { Heartbeat } from '../connection/heartbeat.js';
import { COMMAND_TIMEOUT_MS, Replies } from '../connection/replies.js';
import { HoldfastError, LOCAL_CODES } from '../lib/errors.js';
import { uuid } from '../lib/uuid.js';
import { words } from '../lib/words.js';

/** @typedef {import('../types.js').Clock} Clock */
/** @typedef {import('../types.js').ConnectionState} ConnectionState */
/** @typedef {import('../types.js').Hello} Hello */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../connection/socket.js').SocketHandlers} SocketHandlers */

/** For the first answer of a leader, and for a ping from a page that the user looks at. */
export const LEADER_TIMEOUT_MS = 3_000;
/** Silence after which the leader is pinged, as often as a silent connection. */
export const PING_AFTER_MS = 25_000;

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
  id = uuid();
  #handlers;
  #post;
  #guarded;
  #clock;
  #heartbeat;
  #replies;
  /** @type {ConnectionState} */
  #state = { name: 'connecting' };
  /** The id of the leader that this tab follows. @type {string | null} */
  #leader = null;
  /** The leader has sent its state, and sends every change from then on. */
  #joined = false;
  /** This tab holds its own lock. To a leader, a tab whose lock is free is gone. */
  #lockHeld = false;
  /** @type {unknown} */
  #retryTimer = null;

  /** @param {FollowerOptions} options */
  constructor({ handlers, post, takeOver, guarded, clock }) {
    this.#handlers = handlers;
    this.#guarded = guarded;
    this.#post = post;
    this.#clock = clock;
    this.#heartbeat = new Heartbeat(
      clock,
      () => this.#send(this.#joined ? 'ping' : 'join'),
      takeOver,
    );
    this.#replies = new Replies(clock, () => this.wake());
  }

  /** Join the leader, now that this tab's lock is held. After `stopped`, make it connect again. */
  start() {
    this.#lockHeld = true;
    if (this.#joined) this.#send('start');
    else this.#checkLeader();
  }

  /** Leave without a message: the leader watches this tab's lock. */
  stop() {
    this.#heartbeat.stop();
    this.#clock.clearTimeout(this.#retryTimer);
    this.#joined = false;
    this.#replies.failAll();
  }

  wake() {
    this.#send('wake');
    this.#checkLeader();
  }

  renew() {
    this.#send('renew');
  }

  retryNow() {
    this.#send('retry');
    this.#checkLeader();
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} fields
   * @param {Answer} answer
   */
  ask(name, fields, answer) {
    if (!this.#joined || this.#state.name !== 'open')
      return answer.failed(new HoldfastError(LOCAL_CODES.NOT_CONNECTED, words.notConnected));
    // A leader that was frozen must not send a command that its tab has given up.
    const until = this.#clock.now() + COMMAND_TIMEOUT_MS;
    this.#replies.ask(
      (text) => this.#send('frame', { text, until }),
      name,
      fields,
      answer,
      COMMAND_TIMEOUT_MS,
    );
  }

  /** A message of another tab. @param {Record<string, any>} message */
  receive({ kind, leader, items }) {
    if (kind === 'here' && leader !== this.#leader) this.#leaderChanged(leader);
    else if (kind === 'gone' && leader === this.#leader) this.#leaderChanged(null);
    else if (kind === 'items')
      for (const item of items) this.#guarded(() => this.#handle(leader, item));
  }

  /** Ask the leader to let this tab join, or whether it is alive. Before `start`, do nothing. */
  #checkLeader() {
    if (this.#lockHeld) this.#heartbeat.check(LEADER_TIMEOUT_MS);
  }

  /**
   * @param {string} kind
   * @param {Record<string, unknown>} [more]
   */
  #send(kind, more = {}) {
    this.#post({ kind, leader: this.#leader, tab: this.id, ...more });
  }

  /**
   * Another tab leads from now on. Commands sent through the one before get no answer.
   * @param {string | null} leader
   */
  #leaderChanged(leader) {
    this.#leader = leader;
    this.#joined = false;
    this.#replies.failAll();
    this.#setState({ name: 'connecting' });
    this.#heartbeat.received();
    this.#checkLeader();
  }

  /**
   * @param {string} leader
   * @param {Record<string, any>} item
   */
  #handle(leader, item) {
    const mine = item.to === undefined ? !item.except?.includes(this.id) : item.to === this.id;
    // A leader that was frozen may answer an old request.
    if (item.welcome && mine && !this.#joined && (this.#leader ?? leader) === leader)
      this.#welcomed(leader);
    if (leader !== this.#leader || !this.#joined) return;
    this.#heartbeat.received();
    if (!mine) return;
    if (item.hello) this.#helloReceived(item.hello);
    else if (item.state) this.#setState(item.state);
    else if (item.reply) this.#replies.settle(item.reply);
    else if (item.object && this.#state.name === 'open') this.#handlers.object(item.object);
  }

  /** @param {string} leader */
  #welcomed(leader) {
    this.#leader = leader;
    this.#joined = true;
    this.#heartbeat.received();
    this.#heartbeat.start(PING_AFTER_MS);
  }

  /** @param {Hello} hello */
  #helloReceived(hello) {
    this.#state = { name: 'open' };
    this.#handlers.hello(hello);
    if (this.#joined) this.#setState(this.#state);
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    this.#state = state;
    this.#clock.clearTimeout(this.#retryTimer);
    if (state.name !== 'open') this.#replies.failAll();
    // A hidden leader's timer may be a minute late; messages are not.
    if (state.name === 'waiting')
      this.#retryTimer = this.#clock.setTimeout(
        () => this.#send('wake'),
        Math.max(0, state.retryAt - this.#clock.now()),
      );
    this.#handlers.state(state);
  }
}
