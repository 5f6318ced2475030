/**
 * The timeline of a room: a window of its history, the messages of the outbox, and the reading
 * position.
 *
 * The list scrolls from its end: a page opens at the newest message without a script, and older
 * messages are inserted without a jump.
 * @module
 */

import { clone, setText, slot } from '../lib/dom.js';
import { PerFrame } from '../lib/per_frame.js';
import { copyWithNames } from './copying.js';
import { decorate, drawUnreadLine, nextMessage, removeWithDay } from './dividers.js';
import { newMessageElement, paintClocks, paintMessage, paintQuote } from './message.js';
import { paintPending, sentAt } from './pending.js';
import { ScrollAnchor } from './scroll_anchor.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/streams/history.js').History} History
 * @typedef {import('../../realtime/outbox/outbox.js').Entry} Entry
 * @typedef {import('./message.js').Message} Message
 * @typedef {import('./message.js').MessageContext} MessageContext
 */

/** Closer to an edge, the next page is loaded. */
const LOAD_WITHIN_PX = 800;
/** Farther from the newest message, a button leads back. */
const FAR_PX = 600;

export class Timeline {
  #list;
  #anchor;
  #history;
  #context;
  #scrolled;
  /** @type {Map<number, HTMLElement>} */
  #elements = new Map();
  /** By key of the entry. @type {Map<string, HTMLElement>} */
  #pending = new Map();
  /** The number of the message below the unread line. @type {number | null} */
  #newFrom = null;
  #newLine = clone('new-line-template');
  /** The unread line was visible, so no button needs to lead to it. */
  #newLineSeen = false;
  /**
   * Changes that are not drawn yet.
   * @type {{changed: Set<number>, removed: Set<number>, replaced: boolean}}
   */
  #changes = { changed: new Set(), removed: new Set(), replaced: false };
  #drawing = new PerFrame(() => this.#draw());
  #looking = new PerFrame(() => {
    this.#look();
    this.#scrolled();
  });
  #end;
  #older;
  #start;
  #newer;
  #first;
  #jump;

  /**
   * @param {HTMLElement} root
   * @param {History} history
   * @param {MessageContext} context
   * @param {() => void} scrolled  the reading position has changed
   */
  constructor(root, history, context, scrolled) {
    const scroll = slot(root, 'scroll');
    this.#list = slot(root, 'list');
    this.#anchor = new ScrollAnchor(scroll, this.#list);
    this.#history = history;
    this.#context = context;
    this.#scrolled = scrolled;
    this.#older = slot(root, 'older');
    this.#start = slot(root, 'start');
    this.#newer = slot(root, 'newer');
    this.#first = slot(root, 'first-unread');
    this.#jump = slot(root, 'jump');
    copyWithNames(this.#list);
    this.#adopt();
    this.#end = history.on('change', (change) => this.#changed(change));
    scroll.addEventListener('scroll', () => this.#looking.soon(), { passive: true });
    this.#older.addEventListener('click', (event) => this.#page(event, () => history.older()));
    this.#newer.addEventListener('click', (event) => this.#page(event, () => history.newer()));
  }

  /** The newest message is visible, and nothing newer exists. */
  get atEnd() {
    return this.#history.following && this.#anchor.atEnd;
  }

  /** The view is in the page. */
  get isShown() {
    return this.#list.isConnected;
  }

  /** The reading position is far above the end, or in an older part of the history. */
  get farFromEnd() {
    return !this.#history.following || this.#anchor.fromEnd > FAR_PX;
  }

  /** @param {Element} element @returns {Message | undefined} */
  messageOf(element) {
    const number = Number(
      /** @type {HTMLElement | null} */ (element.closest('.message'))?.dataset.number,
    );
    return /** @type {any} */ (this.#history.get(number));
  }

  /** @param {number} number */
  elementOf(number) {
    this.#drawing.now();
    return this.#elements.get(number);
  }

  /** The elements of messages, oldest first. @returns {HTMLElement[]} */
  get all() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll('.message')]);
  }

  toEnd() {
    this.#anchor.toEnd();
  }

  /** The position of the reader, to come back to. @returns {import('./scroll_anchor.js').Place | null} */
  get place() {
    const position = this.#anchor.position;
    return position?.number ? { ...position, end: this.atEnd } : null;
  }

  /**
   * Come back to a position, and load its part of the history.
   * @param {import('./scroll_anchor.js').Place} place
   */
  async toPlace({ number, at }) {
    if (!this.elementOf(number)) await this.#history.around(number);
    const element = this.elementOf(number);
    if (element) this.#anchor.put(element, at);
  }

  /** Scroll to a message and highlight it. @param {number} number */
  pointAt(number) {
    const element = this.elementOf(number);
    if (!element) return;
    element.scrollIntoView({ block: 'center' });
    element.classList.remove('message--target');
    requestAnimationFrame(() => element.classList.add('message--target'));
  }

  /**
   * Draw the unread line before `number`; null removes it.
   * @param {number | null} number
   */
  newFrom(number) {
    this.#newFrom = number;
    this.#newLineSeen = false;
    this.#drawUnreadLine();
  }

  /**
   * The message below the unread line may have gone: move the line to the next one that counts.
   * @param {(number: number) => number | null} firstFrom
   */
  moveNewLine(firstFrom) {
    if (this.#newFrom === null) return;
    this.#newFrom = firstFrom(this.#newFrom);
    this.#drawUnreadLine();
  }

  /** Scroll to the unread line, and load its part of the history. */
  async toNewLine() {
    if (this.#newFrom === null) return;
    await this.#history.around(this.#newFrom);
    this.#drawing.now();
    this.#newLine.scrollIntoView({ block: 'start' });
  }

  /** Show unsent and held messages at the end. @param {import('./pending.js').Pending[]} entries */
  pending(entries) {
    this.#drawing.now();
    const stick = this.atEnd;
    const shown = this.#history.following ? entries : [];
    const keys = new Set(shown.map((entry) => entry.key));
    for (const [key, element] of this.#pending) {
      if (!keys.has(key)) this.#drop(key, element);
    }
    for (const entry of shown) {
      const element = this.#pending.get(entry.key) ?? newMessageElement();
      this.#pending.set(entry.key, element);
      paintPending(element, entry, this.#context);
      this.#list.append(element);
      decorate(element, sentAt(entry), this.#context.me.id, entry.fields.reply_to ?? null);
    }
    if (stick) this.toEnd();
  }

  /** Messages have changed: update their quotes. @param {Message[]} messages */
  quoted(messages) {
    const ids = new Set(messages.map((message) => message.id));
    for (const [number, element] of this.#elements) {
      const row = /** @type {any} */ (this.#history.get(number));
      if (row && ids.has(row.reply_to)) paintQuote(element, row, this.#context);
    }
  }

  /** Paint all messages again, because their context has changed. */
  repaint() {
    for (const number of this.#elements.keys()) this.#paint(number);
  }

  /** "Today" is now "Yesterday", or the user has chosen another clock. */
  newDay() {
    paintClocks(this.#list);
    this.#decorateAround([...this.#elements.keys()]);
  }

  leave() {
    this.#end();
    this.#drawing.stop();
    this.#looking.stop();
  }

  /** Adopt the elements that the server has rendered. */
  #adopt() {
    // The server's day dividers are in UTC, ours in local time.
    for (const day of this.#list.querySelectorAll('.day')) day.remove();
    for (const element of this.all) this.#elements.set(Number(element.dataset.number), element);
    const shown = new Set(this.#history.rows.map((row) => row.number));
    for (const [number, element] of this.#elements) {
      if (!shown.has(number)) this.#forget(number, element);
    }
    for (const row of this.#history.rows) this.#paint(row.number);
    this.#decorateAround([...shown]);
    this.#edges();
  }

  /** @param {{changed: any[], removed: number[], replaced: boolean}} change */
  #changed({ changed, removed, replaced }) {
    if (replaced) this.#changes = { changed: new Set(), removed: new Set(), replaced };
    for (const number of removed) {
      this.#changes.changed.delete(number);
      this.#changes.removed.add(number);
    }
    for (const { number } of changed) {
      this.#changes.removed.delete(number);
      this.#changes.changed.add(number);
    }
    this.#drawing.soon();
  }

  #draw() {
    const { removed, replaced } = this.#changes;
    // From the end, so that each message finds the one behind it in place.
    const changed = [...this.#changes.changed].sort((a, b) => b - a);
    this.#changes = { changed: new Set(), removed: new Set(), replaced: false };
    const stick = this.atEnd;
    const first = Math.min(...this.#elements.keys());
    const anchor = stick
      ? null
      : this.#anchor.keep(changed.every((number) => number < first) ? 'last' : 'first');
    if (replaced) {
      for (const [number, element] of [...this.#elements]) this.#forget(number, element);
    }
    for (const number of removed) this.#forget(number, this.#elements.get(number));
    for (const number of changed) this.#paint(number);
    this.#decorateAround(changed);
    if (removed.size > 0) this.#decorateNumber(this.#history.range.first);
    for (const element of this.#pending.values()) this.#list.append(element);
    this.#drawUnreadLine();
    this.#edges();
    if (anchor) this.#anchor.restore(anchor);
    else this.toEnd();
    // Short messages may leave the edge as close as before.
    if (this.isShown) this.#looking.soon();
  }

  /** @param {number} number */
  #paint(number) {
    const row = /** @type {any} */ (this.#history.get(number));
    if (!row) return;
    let element = this.#elements.get(number);
    if (!element) {
      element = newMessageElement();
      this.#elements.set(number, element);
      this.#insert(element, number);
    }
    paintMessage(element, row, this.#context);
  }

  /**
   * @param {HTMLElement} element
   * @param {number} number
   */
  #insert(element, number) {
    let next = this.#elements.get(number + 1)?.nextElementSibling ?? null;
    for (
      let other = next?.previousElementSibling ?? this.#list.lastElementChild;
      other;
      other = other.previousElementSibling
    ) {
      const its = Number(/** @type {HTMLElement} */ (other).dataset.number);
      if (its && its < number) break;
      // Dividers and unsent messages stay behind.
      next = other;
    }
    this.#list.insertBefore(element, next);
  }

  /**
   * @param {number} number
   * @param {HTMLElement | undefined} element
   */
  #forget(number, element) {
    this.#elements.delete(number);
    if (element) removeWithDay(element);
  }

  /**
   * @param {string} key
   * @param {HTMLElement} element
   */
  #drop(key, element) {
    this.#pending.delete(key);
    removeWithDay(element);
  }

  /**
   * Decorate messages that are new or have moved, and the ones behind them.
   * @param {number[]} numbers
   */
  #decorateAround(numbers) {
    const behind = numbers.map((number) =>
      Number(nextMessage(this.#elements.get(number))?.dataset.number),
    );
    // In order, because each depends on the one before.
    for (const number of [...new Set([...numbers, ...behind])].sort((a, b) => a - b))
      this.#decorateNumber(number);
  }

  /** @param {number} number */
  #decorateNumber(number) {
    const element = this.#elements.get(number);
    const row = /** @type {any} */ (this.#history.get(number));
    if (element && row) decorate(element, row.created_at, row.author.id, row.reply_to);
  }

  #drawUnreadLine() {
    drawUnreadLine(
      this.#newLine,
      this.#newFrom === null ? undefined : this.#elements.get(this.#newFrom),
    );
  }

  #edges() {
    this.#older.hidden = this.#history.complete;
    this.#start.hidden = !this.#history.complete;
    this.#newer.hidden = this.#history.following;
    this.#rove();
  }

  /**
   * Roving tabindex: Tab reaches the message that had the focus last, otherwise the newest.
   */
  #rove() {
    if (this.#list.querySelector('.message[tabindex="0"]')) return;
    const last = this.all.at(-1);
    if (last) last.tabIndex = 0;
  }

  /** Set the history's anchor, and load the next page near an edge. */
  #look() {
    const { fromStart, fromEnd } = this.#anchor;
    this.#history.setAnchor(this.atEnd ? null : Number(this.#anchor.first?.dataset.number) || null);
    if (fromStart < LOAD_WITHIN_PX && !this.#history.complete) this.#quietly(this.#history.older());
    else if (fromEnd < LOAD_WITHIN_PX && !this.#history.following)
      this.#quietly(this.#history.newer());
    else if (this.#history.holes.length > 0) this.#quietly(this.#history.fill());
  }

  /**
   * Offline, the links to older and newer messages stay; the next scroll or click retries.
   * @param {Promise<void>} loading
   */
  #quietly(loading) {
    loading.catch(() => {});
  }

  /**
   * @param {Event} event
   * @param {() => Promise<void>} load
   */
  #page(event, load) {
    event.preventDefault();
    event.stopPropagation();
    this.#quietly(load());
  }

  #paintFirst() {
    if (!this.isShown) return;
    const shown = this.#newLine.isConnected;
    const above = shown
      ? this.#anchor.isPast(this.#newLine)
      : this.#newFrom !== null && this.#newFrom < this.#history.range.first;
    if (shown && !above) this.#newLineSeen = true;
    this.#first.hidden = this.#newLineSeen || !above;
  }

  /** Paint the buttons that lead to the unread line and to the end. @param {number} unread */
  paintJump(unread) {
    this.#paintFirst();
    this.#jump.hidden = !this.farFromEnd && !(unread > 0 && !this.atEnd);
    setText(this.#jump, 'jump-words', unread > 0 ? words.newMessages(unread) : words.newest);
  }
}
