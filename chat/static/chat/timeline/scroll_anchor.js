/**
 * Where the reader is in a list that scrolls from its end (`column-reverse`): `scrollTop` is 0 at
 * the newest line and negative above it.
 *
 * What is being read stays where it is, whatever is put in or taken away around it. Messages stand
 * in their order, so those at the edges of the screen are found by halving: a measurement for each
 * of them would be hundreds with every change.
 * @module
 */

const AT_END_PX = 48; // closer to the newest line counts as being there

/**
 * @typedef {{element: HTMLElement, at: number}} Anchor a message on the screen, and where it stands
 */

export class Place {
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

  /** Pixels below the screen. */
  get fromEnd() {
    return -this.#scroll.scrollTop;
  }

  /** Pixels above the screen. */
  get fromStart() {
    return this.#scroll.scrollHeight - this.#scroll.clientHeight - this.fromEnd;
  }

  get atEnd() {
    return this.fromEnd < AT_END_PX;
  }

  toEnd() {
    this.#scroll.scrollTop = 0;
  }

  /** The first message that begins on the screen. */
  get first() {
    const { top } = this.#scroll.getBoundingClientRect();
    const all = this.#messages;
    return all[firstIndex(all, (element) => element.getBoundingClientRect().top >= top)];
  }

  /** The last message that ends on the screen. */
  get last() {
    const { bottom } = this.#scroll.getBoundingClientRect();
    const all = this.#messages;
    return all[firstIndex(all, (element) => element.getBoundingClientRect().bottom > bottom) - 1];
  }

  /** The element is above the screen: its end is. @param {HTMLElement} element */
  isPast(element) {
    return element.getBoundingClientRect().bottom < this.#scroll.getBoundingClientRect().top;
  }

  /**
   * Remember what is being read. What is put in front may take the head of a message below it, so
   * then it is the last one: everything above may move, and nothing that is being read.
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

  /** @returns {HTMLElement[]} */
  get #messages() {
    return /** @type {HTMLElement[]} */ ([...this.#list.getElementsByClassName('message')]);
  }
}

/**
 * The index of the first item for which `test` holds, where it holds for all behind it as well;
 * their number where it holds for none.
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
