/**
 * What counts as read: the newest message is on the screen of somebody who looks at it. And where
 * the line of new messages stands.
 * @module
 */

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('./timeline.js').Timeline} Timeline
 * @typedef {import('../../realtime/client.js').Client} Client
 */

const TELL_EVERY_MS = 1000; // a busy room is read with one command a second

export class Reading {
  #room;
  #timeline;
  #client;
  #toldNumber = 0;
  #toldAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /**
   * Somebody went back to find this again: being open does not read the room until they come anew,
   * write or say so.
   */
  #held = false;
  #look = () => this.look();
  #hidden = () => this.#tellNow();
  #shownOrHidden = () => (document.visibilityState === 'hidden' ? this.#tellNow() : this.look());
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
      client.on('hello', () => this.look()), // a page is looked at before it is connected
    ];
    addEventListener('focus', this.#look);
    document.addEventListener('visibilitychange', this.#shownOrHidden);
    // before the connection is ended for the same reason
    addEventListener('pagehide', this.#hidden, { capture: true });
  }

  leave() {
    this.#tellNow();
    for (const end of this.#ends) end();
    removeEventListener('focus', this.#look);
    document.removeEventListener('visibilitychange', this.#shownOrHidden);
    removeEventListener('pagehide', this.#hidden, { capture: true });
  }

  /** The room was opened: what is unread begins after what was read. */
  opened() {
    if (this.#room.unread > 0) this.#timeline.newFrom(this.#room.readNumber + 1);
  }

  /**
   * A message of somebody else came. Where everything before it was read and nobody looks, the line
   * stands before it.
   * @param {{number?: number}} message
   */
  arrived({ number }) {
    if (number !== undefined && this.#room.readNumber === number - 1 && !this.#isLooking())
      this.#timeline.newFrom(number);
  }

  /** The person comes to the room anew, or writes in it: what is looked at from now on is read. */
  release() {
    this.#held = false;
  }

  /** All that there is has been read, says the person. */
  readAll() {
    this.#held = false;
    this.#timeline.newFrom(null);
    this.#room.readTo(this.#room.lastNumber);
    this.#tell();
  }

  /** @param {number} number */
  #hold(number) {
    this.#held = true;
    clearTimeout(this.#timer);
    this.#toldNumber = this.#room.readNumber;
    this.#timeline.newFrom(number);
  }

  /** Is the newest message being looked at? Then it is read. */
  look() {
    if (this.#held || !this.#isLooking() || !this.#room.isMember) return;
    this.#room.readTo(this.#room.lastNumber);
    this.#tell();
  }

  #isLooking() {
    return (
      document.visibilityState === 'visible' &&
      document.hasFocus() &&
      this.#timeline.isShown &&
      this.#timeline.atEnd
    );
  }

  /** A page that is hidden may not come back: what it was about to tell, it tells at once. */
  #tellNow() {
    if (this.#timer === undefined) return;
    this.#toldAt = 0;
    this.#tell();
  }

  #tell() {
    const number = this.#room.readNumber;
    if (number <= this.#toldNumber) return;
    const wait = this.#toldAt + TELL_EVERY_MS - Date.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#tell(), wait);
      return;
    }
    this.#toldAt = Date.now();
    this.#toldNumber = number;
    this.#client.command('room.read', { room: this.#room.id, number }).catch(() => {
      this.#toldNumber = 0; // told again with the next look
    });
  }
}
