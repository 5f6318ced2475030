/**
 * Keeps the reading position in a list that scrolls from its end (`column-reverse`): `scrollTop` is
 * 0 at the newest line and negative above it.
 *
 * Changes around the visible messages do not move them. The messages at the edges of the screen are
 * found by binary search, because measuring each message would be too slow.
 * @module
 */

/**
 * @typedef {{number: number, at: number, end: boolean}} Place where the reader is: the first visible
 *   message, its distance from the upper edge, and whether that is the end of the room
 */

/** Closer to the newest line counts as the end. */
const AT_END_PX = 48;

/**
 * @typedef {{element: HTMLElement, at: number}} Anchor a visible message and its position
 */

export class ScrollAnchor {
  #scroll;
  #list;

  /**
   * @param {HTMLElement} scroll
   * @param {HTMLElement} list
   */
  constructor(scroll, list) {
    this.#scroll = scroll;
    this.#list = list;
  }

  /** Pixels below the visible part. */
  get fromEnd() {
    return -this.#scroll.scrollTop;
  }

  /** Pixels above the visible part. */
  get fromStart() {
    return this.#scroll.scrollHeight - this.#scroll.clientHeight - this.fromEnd;
  }

  get atEnd() {
    return this.fromEnd < AT_END_PX;
  }

  toEnd() {
    this.#scroll.scrollTop = 0;
  }

  /** The first message that begins in the visible part. */
  get first() {
    const { top } = this.#scroll.getBoundingClientRect();
    const all = this.#messages;
    return all[firstIndex(all, (element) => element.getBoundingClientRect().top >= top)];
  }

  /** The last message that ends in the visible part. */
  get last() {
    const { bottom } = this.#scroll.getBoundingClientRect();
    const all = this.#messages;
    return all[firstIndex(all, (element) => element.getBoundingClientRect().bottom > bottom) - 1];
  }

  /** The element ends above the visible part. @param {HTMLElement} element */
  isPast(element) {
    return element.getBoundingClientRect().bottom < this.#scroll.getBoundingClientRect().top;
  }

  /**
   * Remember the position of a visible message. Before older messages are inserted, use the last
   * one: the first may lose its header to the message inserted above it.
   * @param {'first' | 'last'} which
   * @returns {Anchor | null}
   */
  keep(which) {
    const element = which === 'first' ? this.first : this.last;
    return element ? { element, at: element.getBoundingClientRect().top } : null;
  }

  /** @param {Anchor} anchor */
  restore({ element, at }) {
    if (!element.isConnected) return;
    const moved = element.getBoundingClientRect().top - at;
    if (moved !== 0) this.#scroll.scrollTop += moved;
  }

  /** The first visible message, and its distance from the upper edge. */
  get position() {
    const element = this.first ?? this.#messages.at(-1);
    return element ? { number: Number(element.dataset.number), at: this.#distance(element) } : null;
  }

  /**
   * @param {HTMLElement} element
   * @param {number} at  its distance from the upper edge
   */
  put(element, at) {
    this.#scroll.scrollTop += this.#distance(element) - at;
  }

  /** @param {HTMLElement} element */
  #distance(element) {
    return Math.round(
      element.getBoundingClientRect().top - this.#scroll.getBoundingClientRect().top,
    );
  }

  /** @returns {HTMLElement[]} */
  get #messages() {
    return /** @type {HTMLElement[]} */ ([...this.#list.getElementsByClassName('message')]);
  }
}

/**
 * The index of the first item for which `test` holds, if it holds for all items behind it as well;
 * `items.length` if it holds for none.
 * @template T
 * @param {T[]} items
 * @param {(item: T) => boolean} test
 */
export function firstIndex(items, test) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(items[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
