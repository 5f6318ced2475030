/**
 * The messages of a room on the screen: a window of its history, what still waits to be sent, and
 * where the reader is.
 *
 * The list scrolls from its end: a page opens at the newest line without a script, and history that
 * is put in front moves nothing.
 * @module
 */

import { clone, setText, slot } from '../lib/dom.js';
import { PerFrame } from '../lib/per_frame.js';
import { decorate, drawNewLine, nextMessage, removeWithDay } from './marks.js';
import { newMessageElement, paintMessage, paintQuote } from './message.js';
import { paintPending } from './pending.js';
import { Place } from './scroll_anchor.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/streams/history.js').History} History
 * @typedef {import('../../realtime/outbox/outbox.js').Entry} Entry
 * @typedef {import('./message.js').Message} Message
 * @typedef {import('./message.js').Surroundings} Surroundings
 */

const LOAD_WITHIN_PX = 800; // of the edge: the next page comes before the reader does
const FAR_PX = 600; // from the newest line: a button leads back

export class Timeline {
  #list;
  #place;
  #history;
  #surroundings;
  #scrolled;
  /** @type {Map<number, HTMLElement>} */
  #elements = new Map();
  /** By key of the outbox. @type {Map<string, HTMLElement>} */
  #pending = new Map();
  /** The number that the line of new messages stands before. @type {number | null} */
  #newFrom = null;
  #newLine = clone('new-line-template');
  /** The line was on the screen: nobody needs to be led to it any more. */
  #newLineSeen = false;
  /** Not drawn yet. @type {{changed: Set<number>, removed: Set<number>, replaced: boolean}} */
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
   * @param {Surroundings} surroundings
   * @param {() => void} scrolled  the reader has moved
   */
  constructor(root, history, surroundings, scrolled) {
    const scroll = slot(root, 'scroll');
    this.#list = slot(root, 'list');
    this.#place = new Place(scroll, this.#list);
    this.#history = history;
    this.#surroundings = surroundings;
    this.#scrolled = scrolled;
    this.#older = slot(root, 'older');
    this.#start = slot(root, 'start');
    this.#newer = slot(root, 'newer');
    this.#first = slot(root, 'first-unread');
    this.#jump = slot(root, 'jump');
    this.#adopt();
    this.#end = history.on('change', (change) => this.#changed(change));
    scroll.addEventListener('scroll', () => this.#looking.soon(), { passive: true });
    this.#older.addEventListener('click', (event) => this.#page(event, () => history.older()));
    this.#newer.addEventListener('click', (event) => this.#page(event, () => history.newer()));
  }

  /** The newest line is on the screen, and nothing newer exists. */
  get atEnd() {
    return this.#history.following && this.#place.atEnd;
  }

  /** The list is on the screen: its view is not put away. */
  get isShown() {
    return this.#list.isConnected;
  }

  /** The reader is far above, or in an older part. */
  get farFromEnd() {
    return !this.#history.following || this.#place.fromEnd > FAR_PX;
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

  /** Elements of messages, oldest first. @returns {HTMLElement[]} */
  get all() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll('.message')]);
  }

  toEnd() {
    this.#place.toEnd();
  }

  /** Show a message in the middle of the screen and point at it. @param {number} number */
  pointAt(number) {
    const element = this.elementOf(number);
    if (!element) return;
    element.scrollIntoView({ block: 'center' });
    element.classList.remove('message--target');
    requestAnimationFrame(() => element.classList.add('message--target'));
  }

  /**
   * Draw the line of new messages before `number`; null takes it away.
   * @param {number | null} number
   */
  newFrom(number) {
    this.#newFrom = number;
    this.#newLineSeen = false;
    this.#drawNewLine();
  }

  /** Go to the line of new messages, wherever it is in the history. */
  async toNewLine() {
    if (this.#newFrom === null) return;
    await this.#history.around(this.#newFrom);
    this.#drawing.now();
    this.#newLine.scrollIntoView({ block: 'start' });
  }

  /** Show what waits to be sent, behind everything else. @param {Entry[]} entries */
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
      paintPending(element, entry, this.#surroundings);
      this.#list.append(element);
      decorate(
        element,
        new Date(entry.createdAt).toISOString(),
        this.#surroundings.me.id,
        entry.fields.reply_to ?? null,
      );
    }
    if (stick) this.toEnd();
  }

  /** Messages are in a new state: those that answer them show it. @param {Message[]} messages */
  quoted(messages) {
    const ids = new Set(messages.map((message) => message.id));
    for (const [number, element] of this.#elements) {
      const row = /** @type {any} */ (this.#history.get(number));
      if (row && ids.has(row.reply_to)) paintQuote(element, row, this.#surroundings);
    }
  }

  /** How messages are shown has changed, and none of them has. */
  repaint() {
    for (const number of this.#elements.keys()) this.#paint(number);
  }

  /** The view is not needed any more. */
  leave() {
    this.#end();
    this.#drawing.stop();
    this.#looking.stop();
  }

  /** Continue with what the server has rendered. */
  #adopt() {
    // theirs are UTC's, ours the reader's
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
    // each finds the one behind it in its place
    const changed = [...this.#changes.changed].sort((a, b) => b - a);
    this.#changes = { changed: new Set(), removed: new Set(), replaced: false };
    const stick = this.atEnd;
    const first = Math.min(...this.#elements.keys());
    const anchor = stick
      ? null
      : this.#place.keep(changed.every((number) => number < first) ? 'last' : 'first');
    if (replaced) {
      for (const [number, element] of [...this.#elements]) this.#forget(number, element);
    }
    for (const number of removed) this.#forget(number, this.#elements.get(number));
    for (const number of changed) this.#paint(number);
    this.#decorateAround(changed);
    if (removed.size > 0) this.#decorateNumber(this.#history.range.first);
    for (const element of this.#pending.values()) this.#list.append(element);
    this.#drawNewLine();
    this.#edges();
    if (anchor) this.#place.restore(anchor);
    else this.toEnd();
    if (this.isShown) this.#looking.soon(); // short messages may leave the edge as near as it was
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
    paintMessage(element, row, this.#surroundings);
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
      next = other; // separators, and what waits to be sent, stay behind
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

  /** Messages that are new here or have moved, and those behind them. @param {number[]} numbers */
  #decorateAround(numbers) {
    const behind = numbers.map((number) =>
      Number(nextMessage(this.#elements.get(number))?.dataset.number),
    );
    // In their order: each looks at the one before.
    for (const number of [...new Set([...numbers, ...behind])].sort((a, b) => a - b))
      this.#decorateNumber(number);
  }

  /** @param {number} number */
  #decorateNumber(number) {
    const element = this.#elements.get(number);
    const row = /** @type {any} */ (this.#history.get(number));
    if (element && row) decorate(element, row.created_at, row.author.id, row.reply_to);
  }

  #drawNewLine() {
    drawNewLine(
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
   * One message is in the order of the Tab key: the last one that had the focus, else the newest.
   */
  #rove() {
    if (this.#list.querySelector('.message[tabindex="0"]')) return;
    const last = this.all.at(-1);
    if (last) last.tabIndex = 0;
  }

  /** Tell the history where the reader is, and load what comes next. */
  #look() {
    const { fromStart, fromEnd } = this.#place;
    this.#history.look(this.atEnd ? null : Number(this.#place.first?.dataset.number) || null);
    if (fromStart < LOAD_WITHIN_PX && !this.#history.complete) this.#quietly(this.#history.older());
    else if (fromEnd < LOAD_WITHIN_PX && !this.#history.following)
      this.#quietly(this.#history.newer());
    else if (this.#history.holes.length > 0) this.#quietly(this.#history.fill());
  }

  /**
   * Offline, the links to older and newer messages stay; the next scroll or click tries again.
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
      ? this.#place.isPast(this.#newLine)
      : this.#newFrom !== null && this.#newFrom < this.#history.range.first;
    if (shown && !above) this.#newLineSeen = true;
    this.#first.hidden = this.#newLineSeen || !above;
  }

  /** The buttons that lead to where reading was left off, and to the end. @param {number} unread */
  paintJump(unread) {
    this.#paintFirst();
    this.#jump.hidden = !this.farFromEnd && !(unread > 0 && !this.atEnd);
    setText(this.#jump, 'jump-words', unread > 0 ? words.newMessages(unread) : words.newest);
  }
}
