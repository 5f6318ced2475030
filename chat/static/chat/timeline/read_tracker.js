/**
 * Marks a room as read when its newest message is visible, and places the unread line.
 * @module
 */

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('./timeline.js').Timeline} Timeline
 * @typedef {import('../../realtime/client.js').Client} Client
 */

/** A busy room sends one command a second. */
const REPORT_EVERY_MS = 1000;

export class ReadTracker {
  #room;
  #timeline;
  #client;
  #reportedNumber = 0;
  #toldAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /**
   * The user marked messages as unread. The open room is not read until the user opens it again,
   * posts, or marks it as read.
   */
  #held = false;
  #look = () => this.look();
  #hidden = () => this.#reportNow();
  #shownOrHidden = () => (document.visibilityState === 'hidden' ? this.#reportNow() : this.look());
  #ends;

  /**
   * @param {Room} room
   * @param {Timeline} timeline
   * @param {Client} client
   */
  constructor(room, timeline, client) {
    this.#room = room;
    this.#timeline = timeline;
    this.#client = client;
    this.#ends = [
      room.on('back', (number) => this.#hold(number)),
      room.on('messages', () => timeline.moveNewLine((number) => room.firstUnread(number))),
      // A page may be visible before it is connected.
      client.on('hello', () => this.look()),
    ];
    addEventListener('focus', this.#look);
    document.addEventListener('visibilitychange', this.#shownOrHidden);
    // Before the same event closes the connection.
    addEventListener('pagehide', this.#hidden, { capture: true });
  }

  leave() {
    this.#reportNow();
    for (const end of this.#ends) end();
    removeEventListener('focus', this.#look);
    document.removeEventListener('visibilitychange', this.#shownOrHidden);
    removeEventListener('pagehide', this.#hidden, { capture: true });
  }

  /** The room was opened: the unread line is after the last read message. */
  opened() {
    this.#timeline.newFrom(this.#room.firstUnread());
  }

  /**
   * A message of another user arrived. If all before it are read and the room is not visible, the
   * unread line moves before it.
   * @param {{number?: number}} message
   */
  arrived({ number }) {
    if (number !== undefined && this.#room.firstUnread() === number && !this.#isLooking())
      this.#timeline.newFrom(number);
  }

  /** The reader is on the way to their position: nothing counts as read yet. */
  pause() {
    this.#held = true;
  }

  /** The user opens the room again or posts: visible messages count as read from now on. */
  release() {
    this.#held = false;
  }

  /** The user marked the room as read. */
  readAll() {
    this.#held = false;
    this.#timeline.newFrom(null);
    this.#room.readTo(this.#room.lastNumber);
    this.#report();
  }

  /** @param {number} number */
  #hold(number) {
    this.#held = true;
    clearTimeout(this.#timer);
    this.#reportedNumber = this.#room.readNumber;
    this.#timeline.newFrom(number);
  }

  /** Mark the newest message as read if it is visible. */
  look() {
    if (this.#held || !this.#isLooking() || !this.#room.isMember) return;
    this.#room.readTo(this.#room.lastNumber);
    this.#report();
  }

  #isLooking() {
    return (
      document.visibilityState === 'visible' &&
      document.hasFocus() &&
      this.#timeline.isShown &&
      this.#timeline.atEnd
    );
  }

  /** A hidden page may not come back, so it reports at once. */
  #reportNow() {
    if (this.#timer === undefined) return;
    this.#toldAt = 0;
    this.#report();
  }

  #report() {
    const number = this.#room.readNumber;
    if (number <= this.#reportedNumber) return;
    const wait = this.#toldAt + REPORT_EVERY_MS - Date.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#report(), wait);
      return;
    }
    this.#toldAt = Date.now();
    this.#reportedNumber = number;
    this.#client.command('room.read', { room: this.#room.id, number }).catch(() => {
      // Reported again with the next look.
      this.#reportedNumber = 0;
    });
  }
}
