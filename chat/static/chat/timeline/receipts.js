/**
 * Read receipts in the view of a room: the line under the user's newest message, and the list of
 * who has read a message.
 * @module
 */

import { clone, setAvatar, setText, slot } from '../lib/dom.js';
import { PerFrame } from '../lib/per_frame.js';
import { Readers } from '../rooms/readers.js';
import { isGone } from '../rooms/rights.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../rooms/room_view.js').RoomView} RoomView
 * @typedef {import('./message.js').Message} Message
 */

export class Receipts {
  #view;
  #app;
  #readers = new Readers();
  #line = clone('receipt-template');
  #painting = new PerFrame(() => this.#paint());
  #wanted = false;
  #ends;

  /**
   * @param {RoomView} view
   * @param {App} app
   */
  constructor(view, app) {
    this.#view = view;
    this.#app = app;
    const { room } = view;
    this.#ends = [
      room.on('change', () => this.#roomChanged()),
      room.history.on('change', () => this.#painting.soon()),
      // Signals may have been lost meanwhile.
      app.client.on('hello', () => void this.#load()),
      app.client.on('signal', ({ stream, kind, data }) => {
        if (stream !== room.stream || kind !== 'read' || !this.isOn) return;
        this.#readers.receive(data.receipts);
        this.#painting.soon();
      }),
    ];
    this.#roomChanged();
  }

  /** The user sees who has read a message. */
  get isOn() {
    return this.#wanted && this.#readers.isOn;
  }

  leave() {
    for (const end of this.#ends) end();
    this.#painting.stop();
  }

  /** List who has read a message. @param {Message} message */
  async show(message) {
    const users = this.#readers.of(message);
    await this.#learn(users);
    const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('readers-dialog'));
    const rows = users
      .map((id) => this.#app.people.get(id))
      .filter((user) => user !== undefined)
      .map((user) => {
        const row = clone('reader-template');
        setAvatar(row, user);
        setText(row, 'name', user.name);
        return row;
      });
    slot(dialog, 'readers').replaceChildren(...rows);
    slot(dialog, 'unread').hidden = rows.length > 0;
    if (!dialog.open) dialog.showModal();
  }

  #roomChanged() {
    const { room } = this.#view;
    const wanted = room.isMember && room.data.read_receipts === true;
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) void this.#load();
    else this.#painting.soon();
  }

  async #load() {
    if (!this.#wanted) return;
    const address = `/api/rooms/${this.#view.room.id}/receipts`;
    // Offline: the next connection asks again.
    const answer = await this.#app.api.get(address).catch(() => null);
    if (!answer) return;
    this.#readers.replace(answer.receipts);
    this.#painting.soon();
  }

  /** Load the names that are missing. @param {number[]} users */
  async #learn(users) {
    if (users.some((id) => !this.#app.people.name(id)))
      await this.#app.membersOf(this.#view.room).catch(() => {});
  }

  #paint() {
    const { room, timeline } = this.#view;
    if (!timeline.isShown) return;
    const rows = /** @type {Message[]} */ (/** @type {unknown} */ (room.history.rows));
    const newest = rows.findLast((row) => row.author.id === this.#app.me.id && !isGone(row));
    const users = this.isOn && newest ? this.#readers.of(newest) : [];
    const element = users.length > 0 && timeline.elementOf(newest?.number ?? 0);
    if (!element) return this.#line.remove();
    const names = users.map((id) => this.#app.people.name(id)).filter(Boolean);
    if (names.length < users.length) void this.#learn(users).then(() => this.#painting.soon());
    if (names.length === 0) return;
    const stick = timeline.atEnd;
    setText(this.#line, 'readers-words', room.partner ? words.read : words.readBy(names));
    const main = /** @type {HTMLElement} */ (element.querySelector('.message__main'));
    if (this.#line.parentElement !== main) main.append(this.#line);
    if (stick) timeline.toEnd();
  }
}
