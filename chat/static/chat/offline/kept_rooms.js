/**
 * Keeps the rooms that were opened on this device up to date with what the page knows, for those
 * who have asked for it.
 *
 * A kept room follows its stream like an open one: edits, deletions and hidden messages replace what
 * was kept. At the first answer of the server, rooms that changed while the device was away are
 * loaded again, and those that the user may no longer read leave.
 * @module
 */

import { CloseCode } from '../../realtime/connection/codes.js';
import { reportToConsole } from '../../realtime/lib/clock.js';
import { forgetAll, forgetRoom, isWanted, keepRoom, noteContact, readKept } from './kept_store.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('./kept_store.js').KeptMessage} KeptMessage
 * @typedef {import('./kept_store.js').KeptRoom} KeptRoom
 */

/** Messages that arrive together are written together. */
const WRITE_AFTER_MS = 300;
const GONE = [403, 404];
/** After any of these the session may be over; a session that goes on keeps its rooms again. */
const ENDS = [CloseCode.SESSION_ENDED, CloseCode.BANNED, CloseCode.NOT_AUTHENTICATED];

export class KeptRooms {
  #app;
  #session;
  /** Changed messages that are not written yet, by room. @type {Map<number, any[]>} */
  #changes = new Map();
  /** The writes, one after the other. @type {Promise<void>} */
  #writing = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #ended = false;

  /** @param {App} app @param {string} session */
  constructor(app, session) {
    this.#app = app;
    this.#session = session;
    if (!isWanted(app.me.id)) return;
    app.client.on('hello', () => this.#queue(() => this.#contact()));
    app.client.on('state', (state) => {
      if (state.name !== 'stopped' || !ENDS.includes(/** @type {any} */ (state.code))) return;
      this.#ended = true;
      this.#changes.clear();
      this.#queue(forgetAll);
    });
    app.rooms.on('change', (room) => room && this.#changed(room));
    app.rooms.on('messages', (messages) => {
      for (const message of messages) {
        const room = app.rooms.get(message.room);
        if (room) this.#changed(room, [message]);
      }
    });
  }

  /** @param {Room} room @param {any[]} [messages] */
  #changed(room, messages = []) {
    if (this.#ended) return;
    this.#changes.set(room.id, [...(this.#changes.get(room.id) ?? []), ...messages]);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#queue(() => this.#write());
    }, WRITE_AFTER_MS);
  }

  /** @param {() => Promise<void>} act */
  #queue(act) {
    this.#writing = this.#writing
      .then(act)
      .catch((error) => reportToConsole(error, 'rooms could not be kept for reading offline'));
  }

  async #contact() {
    const { me, limits, rooms } = this.#app;
    this.#ended = false;
    await noteContact({
      ...{ user: me.id, name: me.name, session: this.#session },
      ...{ at: Date.now(), limit: limits.message },
    });
    await rooms.loadMore();
    for (const kept of (await readKept())?.rooms ?? []) await this.#refresh(kept);
    const room = this.#app.router.room;
    if (room) this.#changed(room);
  }

  /** @param {KeptRoom} kept */
  async #refresh(kept) {
    const room = this.#app.rooms.get(kept.id);
    if (!room || !mayKeep(room)) return forgetRoom(kept.id);
    if (room.opened && room.history.following) return this.#changed(room);
    if (kept.seq === this.#positionOf(room)) return;
    try {
      const { messages } = await this.#app.api.get(`/api/rooms/${room.id}/`);
      await this.#keep(room, kept.openedAt, messages);
    } catch (error) {
      if (GONE.includes(/** @type {any} */ (error).status)) await forgetRoom(room.id);
      else throw error;
    }
  }

  async #write() {
    const changes = [...this.#changes];
    this.#changes.clear();
    const known = new Map((await readKept())?.rooms.map((room) => [room.id, room]));
    for (const [id, messages] of changes) {
      const room = this.#app.rooms.get(id);
      const kept = known.get(id);
      if (!room || !mayKeep(room)) {
        if (kept) await forgetRoom(id);
      } else if (room.opened || kept)
        await this.#keep(room, kept?.openedAt ?? 0, this.#newest(room, kept, messages));
    }
  }

  /**
   * The newest messages of a room: those of its window, or what was kept with the changes.
   * @param {Room} room @param {KeptRoom | undefined} kept @param {any[]} messages
   */
  #newest(room, kept, messages) {
    if (room.opened && room.history.following) return room.history.rows;
    const byNumber = new Map((kept?.messages ?? []).map((row) => [row.number, row]));
    for (const message of messages) byNumber.set(message.number, message);
    return [...byNumber.values()].sort((one, other) => one.number - other.number);
  }

  /** @param {Room} room @param {number} openedAt @param {any[]} messages */
  async #keep(room, openedAt, messages) {
    await keepRoom(this.#app.me.id, {
      ...{ id: room.id, url: room.url, title: room.title, seq: this.#positionOf(room) },
      ...{ read: room.readNumber, unread: room.waiting, writable: this.#isWritable(room) },
      openedAt: this.#app.router.room === room ? Date.now() : openedAt,
      messages: withoutHoles(messages)
        .filter(({ number }) => number >= (room.data.first_number ?? 0))
        .filter(({ author }) => !this.#app.blocks.has(author.id))
        .map(keptMessage),
    });
  }

  /** @param {Room} room */
  #positionOf(room) {
    return this.#app.client.stream(room.stream)?.position ?? null;
  }

  /** @param {Room} room */
  #isWritable(room) {
    return !room.partnerBlocked && !(room.data.read_only && !room.canModerate);
  }
}

/** @param {Room} room */
const mayKeep = (room) => room.isMember && !room.data.archived_at;

/** Between messages with a hole there may be some that have changed. @param {any[]} rows */
function withoutHoles(rows) {
  const at = rows.findLastIndex(
    (row, index) => index > 0 && rows[index - 1].number < row.number - 1,
  );
  return rows.slice(Math.max(0, at));
}

/** @param {any} message @returns {KeptMessage} */
function keptMessage({ id, number, author, body, created_at, deleted_at, hidden_at = null }) {
  const gone = Boolean(deleted_at || hidden_at);
  return {
    ...{ id, number, created_at, deleted_at, hidden_at },
    author: { id: author.id, name: author.name },
    body: gone ? '' : body,
  };
}
