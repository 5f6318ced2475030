/**
 * What the tabs of one browser want of their one connection: each tab has a seat, and the server
 * sees one client.
 *
 * The server has one subscription of a stream per connection, and what one seat reads moves it. So
 * every seat hears all that the server says about a stream, the pages that others asked for
 * included, and goes by the two rules of docs/protocol.md §3: a seat that is level and hears of a
 * page below its position with more to come pulls, as it would have to if it had asked itself. What
 * a seat ignores there costs nothing; what it does not hear would leave it deaf.
 *
 * A seat that asks to be subscribed where the server pushes already is answered from here: a new
 * tab on the present costs the server nothing.
 * @module
 */

/** @typedef {import('../lib/errors.js').HoldfastError} HoldfastError */
/** @typedef {import('../connection/replies.js').Answer} Answer */
/** @typedef {import('../types.js').Page} Page */
/** @typedef {Record<string, any>} Fields */

/**
 * @typedef {object} SeatsOptions
 * @property {(name: string, fields: Fields, answer: Answer) => void} ask sends a command over the
 *   connection
 * @property {(object: Fields & {type: string}, except: string[]) => void} tell says something to
 *   all seats but these
 */

export class Seats {
  #ask;
  #tell;
  /** The seats that follow each stream. @type {Map<string, Set<string>>} */
  #followers = new Map();
  /**
   * Streams that the server pushes, each by the position after which it does.
   * @type {Map<string, number>}
   */
  #levels = new Map();
  /**
   * Pulls under way: who asks for the same meanwhile is answered together.
   * @type {Map<string, {seat: string, answer: Answer}[]>}
   */
  #pulls = new Map();

  /** @param {SeatsOptions} options */
  constructor({ ask, tell }) {
    this.#ask = ask;
    this.#tell = tell;
  }

  /**
   * A seat has a command.
   * @param {string} seat
   * @param {string} name
   * @param {Fields} fields
   * @param {Answer} answer
   */
  ask(seat, name, fields, answer) {
    if (name === 'subscribe') this.#subscribe(seat, fields.streams, answer);
    else if (name === 'pull') this.#pull(seat, fields.stream, fields.after, answer);
    else if (name === 'unsubscribe') this.#unsubscribe(seat, fields.streams, answer);
    else this.#ask(name, fields, answer);
  }

  /** The server said something to nobody in particular. @param {Fields & {type: string}} object */
  heard(object) {
    const level = this.#levels.get(object.stream);
    if (object.type === 'event' && level !== undefined && object.seq > level)
      this.#reached(object.stream, object.seq === level + 1 ? object.seq : null);
    if (object.type === 'page') this.#reached(object.stream, levelOf(object));
    if (object.type === 'behind' || object.type === 'closed') this.#reached(object.stream, null);
    if (object.type === 'closed') this.#followers.delete(object.stream);
    this.#tell(object, []);
  }

  /** A tab is gone: what nobody else follows is followed no more. @param {string} seat */
  leave(seat) {
    const streams = [...this.#followers]
      .filter(([, seats]) => seats.has(seat))
      .map(([stream]) => stream);
    if (streams.length > 0) this.#unsubscribe(seat, streams, { done() {}, failed() {} });
  }

  /** The connection is gone, and all subscriptions with it; every seat knows. */
  cut() {
    this.#followers.clear();
    this.#levels.clear();
  }

  /**
   * Heads as they are by now, for a seat that greets late.
   * @param {Record<string, number>} heads
   */
  raised(heads) {
    return Object.fromEntries(
      Object.entries(heads).map(([stream, head]) => [
        stream,
        Math.max(head, this.#levels.get(stream) ?? 0),
      ]),
    );
  }

  /**
   * @param {string} seat
   * @param {Record<string, number | null>} streams  positions
   * @param {Answer} answer
   */
  #subscribe(seat, streams, answer) {
    for (const stream of Object.keys(streams)) this.#followersOf(stream).add(seat);
    const covered = Object.entries(streams).filter(
      ([stream, position]) => this.#levels.get(stream) === position,
    );
    const wanted = Object.fromEntries(
      Object.entries(streams).filter(([stream, position]) => this.#levels.get(stream) !== position),
    );
    const done = (/** @type {any} */ data) => {
      for (const [stream, page] of Object.entries(data.pages ?? {}))
        this.#came(stream, page, [seat]);
      for (const stream of Object.keys(data.errors ?? {})) this.#refused(stream, seat);
      const pages = covered.map(([stream, position]) => [
        stream,
        this.#present(stream, /** @type {number} */ (position)),
      ]);
      answer.done({ ...data, pages: { ...data.pages, ...Object.fromEntries(pages) } });
    };
    if (Object.keys(wanted).length === 0) done({ errors: {} });
    else this.#ask('subscribe', { streams: wanted }, { done, failed: answer.failed });
  }

  /**
   * The page after a position that was level when its seat asked. It may have moved on meanwhile,
   * unheard by the seat: then there is more to pull.
   * @param {string} stream
   * @param {number} position
   * @returns {Page}
   */
  #present(stream, position) {
    return {
      from: position,
      to: position,
      head: this.#levels.get(stream) ?? position + 1,
      events: [],
    };
  }

  /**
   * @param {string} seat
   * @param {string} stream
   * @param {number} after
   * @param {Answer} answer
   */
  #pull(seat, stream, after, answer) {
    const key = `${after} ${stream}`;
    const together = this.#pulls.get(key);
    if (together) return void together.push({ seat, answer });
    const waiting = [{ seat, answer }];
    this.#pulls.set(key, waiting);
    const done = (/** @type {Page} */ page) => {
      this.#pulls.delete(key);
      const seats = waiting.map((one) => one.seat);
      this.#came(stream, page, seats);
      for (const one of waiting) one.answer.done(page);
    };
    const failed = (/** @type {HoldfastError} */ error) => {
      this.#pulls.delete(key);
      if (error.code === 'not_subscribed') this.#reached(stream, null);
      for (const one of waiting) one.answer.failed(error);
    };
    this.#ask('pull', { stream, after }, { done, failed });
  }

  /**
   * @param {string} seat
   * @param {string[]} streams
   * @param {Answer} answer
   */
  #unsubscribe(seat, streams, answer) {
    for (const stream of streams) this.#followers.get(stream)?.delete(seat);
    const left = streams.filter((stream) => this.#followersOf(stream).size === 0);
    for (const stream of left) {
      this.#followers.delete(stream);
      this.#levels.delete(stream);
    }
    if (left.length > 0) this.#ask('unsubscribe', { streams: left }, answer);
    else answer.done({});
  }

  /**
   * A page that seats asked for: the others hear it as if it had been pushed, unless it says what
   * they know.
   * @param {string} stream
   * @param {any} page
   * @param {string[]} seats
   */
  #came(stream, page, seats) {
    const before = this.#levels.get(stream);
    const level = levelOf(page);
    this.#reached(stream, level);
    if (level === null || level !== before) this.#tell({ ...page, type: 'page', stream }, seats);
  }

  /**
   * One seat could not be subscribed. Whether the others still are is found out by pulling.
   * @param {string} stream
   * @param {string} seat
   */
  #refused(stream, seat) {
    const seats = this.#followersOf(stream);
    const head = this.#levels.get(stream) ?? 0;
    seats.delete(seat);
    this.#reached(stream, null);
    if (seats.size > 0) this.#tell({ type: 'behind', stream, head }, [seat]);
    else this.#followers.delete(stream);
  }

  /**
   * @param {string} stream
   * @param {number | null} level  null: the server does not push, or it is not known after what
   */
  #reached(stream, level) {
    // The answer to a pull may come after its seat has left, when the server pushes no more.
    if (level === null || !this.#followers.get(stream)?.size) this.#levels.delete(stream);
    else this.#levels.set(stream, level);
  }

  /** @param {string} stream */
  #followersOf(stream) {
    const seats = this.#followers.get(stream) ?? new Set();
    this.#followers.set(stream, seats);
    return seats;
  }
}

/** @param {any} page @returns {number | null}  the position that it makes level, if it does */
function levelOf(page) {
  return Number.isSafeInteger(page?.to) && page.to >= page.head ? page.to : null;
}
