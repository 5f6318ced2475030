/**
 * The subscriptions of all tabs, over the one connection of the leading tab.
 *
 * The server has one subscription of a stream per connection, and a pull by one tab moves it. So
 * every tab receives every frame of a stream, including the pages that other tabs asked for, and
 * applies the two rules of docs/protocol.md §3. A tab ignores a frame that it does not need, but a
 * tab that missed one would stay behind without noticing.
 *
 * A tab that subscribes where the server pushes already is answered from here, so it costs the
 * server nothing.
 * @module
 */

/** @typedef {import('../lib/errors.js').HoldfastError} HoldfastError */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../types.js').Page} Page */
/** @typedef {Record<string, any>} Fields */

/**
 * @typedef {object} TabSubscriptionsOptions
 * @property {(name: string, fields: Fields, answer: Answer) => void} ask sends a command over the
 *   connection
 * @property {(object: Fields & {type: string}, except: string[]) => void} deliver  to all tabs
 *   except these
 */

export class TabSubscriptions {
  #ask;
  #deliver;
  /** The tabs that follow each stream, by stream. @type {Map<string, Set<string>>} */
  #followers = new Map();
  /**
   * The streams that the server pushes, each with the position after which it does.
   * @type {Map<string, number>}
   */
  #levels = new Map();
  /**
   * Pulls under way. Tabs that ask for the same page share the answer.
   * @type {Map<string, {tab: string, answer: Answer}[]>}
   */
  #pulls = new Map();

  /** @param {TabSubscriptionsOptions} options */
  constructor({ ask, deliver }) {
    this.#ask = ask;
    this.#deliver = deliver;
  }

  /** The server pushed an object. @param {Fields & {type: string}} object */
  received(object) {
    const level = this.#levels.get(object.stream);
    if (object.type === 'event' && level !== undefined && object.seq > level)
      this.#setLevel(object.stream, object.seq === level + 1 ? object.seq : null);
    if (object.type === 'page') this.#setLevel(object.stream, levelOf(object));
    if (object.type === 'behind' || object.type === 'closed') this.#setLevel(object.stream, null);
    if (object.type === 'closed') this.#followers.delete(object.stream);
    this.#deliver(object, []);
  }

  /** A tab is gone. Streams that no other tab follows are unsubscribed. @param {string} tab */
  leave(tab) {
    const streams = [...this.#followers]
      .filter(([, tabs]) => tabs.has(tab))
      .map(([stream]) => stream);
    if (streams.length > 0) this.unsubscribe(tab, streams, { done() {}, failed() {} });
  }

  /** The connection is gone, and with it all subscriptions. Every tab knows. */
  disconnected() {
    this.#followers.clear();
    this.#levels.clear();
  }

  /**
   * Raise the heads of an earlier `hello` to the present, for a tab that joins later.
   * @param {Record<string, number>} heads
   */
  currentHeads(heads) {
    return Object.fromEntries(
      Object.entries(heads).map(([stream, head]) => [
        stream,
        Math.max(head, this.#levels.get(stream) ?? 0),
      ]),
    );
  }

  /**
   * @param {string} tab
   * @param {Record<string, number | null>} streams  positions
   * @param {Answer} answer
   */
  subscribe(tab, streams, answer) {
    for (const stream of Object.keys(streams)) this.#followersOf(stream).add(tab);
    const covered = Object.entries(streams).filter(
      ([stream, position]) => this.#levels.get(stream) === position,
    );
    const wanted = Object.fromEntries(
      Object.entries(streams).filter(([stream, position]) => this.#levels.get(stream) !== position),
    );
    const done = (/** @type {any} */ data) => {
      for (const [stream, page] of Object.entries(data.pages ?? {}))
        this.#pageReceived(stream, page, [tab]);
      for (const stream of Object.keys(data.errors ?? {})) this.#refused(stream, tab);
      const pages = covered.map(([stream, position]) => [
        stream,
        this.#emptyPage(stream, /** @type {number} */ (position)),
      ]);
      answer.done({ ...data, pages: { ...data.pages, ...Object.fromEntries(pages) } });
    };
    if (Object.keys(wanted).length === 0) done({ errors: {} });
    else this.#ask('subscribe', { streams: wanted }, { done, failed: answer.failed });
  }

  /**
   * The page for a tab whose position was level when it asked. If the stream has moved on since,
   * `head` says that there is more to pull.
   * @param {string} stream
   * @param {number} position
   * @returns {Page}
   */
  #emptyPage(stream, position) {
    return {
      from: position,
      to: position,
      head: this.#levels.get(stream) ?? position + 1,
      events: [],
    };
  }

  /**
   * @param {string} tab
   * @param {string} stream
   * @param {number} after
   * @param {Answer} answer
   */
  pull(tab, stream, after, answer) {
    const key = `${after} ${stream}`;
    const pending = this.#pulls.get(key);
    if (pending) return void pending.push({ tab, answer });
    const waiting = [{ tab, answer }];
    this.#pulls.set(key, waiting);
    const done = (/** @type {Page} */ page) => {
      this.#pulls.delete(key);
      const tabs = waiting.map((one) => one.tab);
      this.#pageReceived(stream, page, tabs);
      for (const one of waiting) one.answer.done(page);
    };
    const failed = (/** @type {HoldfastError} */ error) => {
      this.#pulls.delete(key);
      if (error.code === 'not_subscribed') this.#setLevel(stream, null);
      for (const one of waiting) one.answer.failed(error);
    };
    this.#ask('pull', { stream, after }, { done, failed });
  }

  /**
   * @param {string} tab
   * @param {string[]} streams
   * @param {Answer} answer
   */
  unsubscribe(tab, streams, answer) {
    for (const stream of streams) this.#followers.get(stream)?.delete(tab);
    const left = streams.filter((stream) => this.#followersOf(stream).size === 0);
    for (const stream of left) {
      this.#followers.delete(stream);
      this.#levels.delete(stream);
    }
    if (left.length > 0) this.#ask('unsubscribe', { streams: left }, answer);
    else answer.done({});
  }

  /**
   * Deliver a page that some tabs asked for to the others as if it had been pushed, unless they
   * have it already.
   * @param {string} stream
   * @param {any} page
   * @param {string[]} tabs
   */
  #pageReceived(stream, page, tabs) {
    const before = this.#levels.get(stream);
    const level = levelOf(page);
    this.#setLevel(stream, level);
    if (level === null || level !== before) this.#deliver({ ...page, type: 'page', stream }, tabs);
  }

  /**
   * One tab could not be subscribed. The others pull to find out whether they still are.
   * @param {string} stream
   * @param {string} tab
   */
  #refused(stream, tab) {
    const tabs = this.#followersOf(stream);
    const head = this.#levels.get(stream) ?? 0;
    tabs.delete(tab);
    this.#setLevel(stream, null);
    if (tabs.size > 0) this.#deliver({ type: 'behind', stream, head }, [tab]);
    else this.#followers.delete(stream);
  }

  /**
   * @param {string} stream
   * @param {number | null} level  null: the server does not push, or from an unknown position
   */
  #setLevel(stream, level) {
    // The answer to a pull may arrive after its tab has left, when the server no longer pushes.
    if (level === null || !this.#followers.get(stream)?.size) this.#levels.delete(stream);
    else this.#levels.set(stream, level);
  }

  /** @param {string} stream */
  #followersOf(stream) {
    const tabs = this.#followers.get(stream) ?? new Set();
    this.#followers.set(stream, tabs);
    return tabs;
  }
}

/** @param {any} page @returns {number | null}  its position, if it makes a tab level */
function levelOf(page) {
  return Number.isSafeInteger(page?.to) && page.to >= page.head ? page.to : null;
}
