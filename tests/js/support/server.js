/**
 * A server that speaks holdfast.v1 in memory, and misbehaves on request.
 *
 * It is written from docs/protocol.md alone. Frames lie in two queues per connection; they move by
 * themselves, or one by one when a test sets `manual`. Faults are methods of the connection.
 * @module
 */
import { FakeWebSocket } from './websocket.js';

/** @typedef {{seq: number, kind: string, data: Record<string, any>}} FakeRow */
/**
 * @typedef {{head: number, floor: number, rows: Map<string, FakeRow>, lastNumber: number}}
 *   FakeStream
 */
/**
 * @typedef {{code: string, message: string, retry_after?: number, data?: Record<string, unknown>}}
 *   FakeError
 */

export class FakeServer {
  /** @type {Map<string, FakeStream>} */
  streams = new Map();
  /** All connections that were ever made. @type {FakeConnection[]} */
  connections = [];
  epoch = 'e-1';
  pageSize = 3;
  replySize = 5;
  pingAfter = 25;
  user = { id: 7, username: 'alice', name: 'Alice' };
  /** Frames wait in their queues until a test moves them. */
  manual = false;
  /** Connections are accepted; false: they fail like a network that is down. */
  reachable = true;
  /** Accepts, and never says a word. */
  mute = false;
  /**
   * Errors for the next commands, by name.
   * @type {Map<string, FakeError[]>}
   */
  refusals = new Map();
  /** Streams that this user may not read, and why. @type {Map<string, string>} */
  forbidden = new Map();
  /** Every command that was received. @type {Record<string, any>[]} */
  received = [];
  /** Commands that stay without an answer. @type {Set<string>} */
  ignored = new Set();
  /** Posted messages by key. @type {Map<string, FakeRow>} */
  #posted = new Map();

  /**
   * In place of `new WebSocket(url, protocols)`.
   * @param {string} url
   * @param {string[]} protocols
   * @returns {any}
   */
  open = (url, protocols) => {
    const connection = new FakeConnection(this, url, protocols);
    this.connections.push(connection);
    return connection.socket;
  };

  /** The connection made last. */
  get connection() {
    return this.connections[this.connections.length - 1];
  }

  /** @param {string} name */
  stream(name) {
    const known = this.streams.get(name) ?? { head: 0, floor: 0, rows: new Map(), lastNumber: 0 };
    this.streams.set(name, known);
    return known;
  }

  /**
   * Change a row, and push the event to the level connections.
   * @param {string} name
   * @param {string} kind
   * @param {Record<string, any>} data
   * @param {{lost?: boolean}} [options] lost: the broker forgot it; subscribers learn of it by the
   *   next page
   * @returns {FakeRow}
   */
  commit(name, kind, data, { lost = false } = {}) {
    const stream = this.stream(name);
    stream.head += 1;
    const row = { seq: stream.head, kind, data: { ...data, seq: stream.head } };
    stream.rows.set(`${kind}:${data.id}`, row);
    for (const connection of this.connections) connection.changed(name, row, lost);
    return row;
  }

  /** Post the next message of a stream. @param {string} name @param {string} body */
  post(name, body) {
    const number = ++this.stream(name).lastNumber;
    return this.commit(name, 'message', {
      id: 1000 * Number(name.split('.')[1] ?? 0) + number,
      number,
      body,
    });
  }

  /** The newest state of every row of a stream, as a snapshot. @param {string} name */
  snapshot(name) {
    const { head, rows } = this.stream(name);
    return { seq: head, rows: [...rows.values()] };
  }

  /**
   * @param {string} name
   * @param {number} after
   * @param {number} limit
   */
  page(name, after, limit = this.pageSize) {
    const { head, rows } = this.stream(name);
    const fresh = [...rows.values()].filter((row) => row.seq > after).sort((a, b) => a.seq - b.seq);
    const events = fresh.slice(0, limit);
    const to = events.length < fresh.length ? (events[events.length - 1]?.seq ?? after) : head;
    return { stream: name, from: after, to, head, events };
  }

  /** @param {string} name @param {number} position @returns {FakeError | null} */
  refuse(name, position) {
    const reason = this.forbidden.get(name);
    if (reason !== undefined) return { code: reason, message: 'no' };
    const { head, floor } = this.stream(name);
    if (position > head || position < floor)
      return { code: 'reset', message: 'start anew', data: { head } };
    return null;
  }

  /** A retention run: positions below the head cannot be continued from. @param {string} name */
  retain(name) {
    const stream = this.stream(name);
    stream.floor = stream.head;
  }

  /**
   * The database is restored from a backup: everything is as it was, under another epoch.
   * @param {Map<string, FakeStream>} backup
   */
  restore(backup) {
    this.streams = copied(backup);
    this.epoch = `e-${Number(this.epoch.slice(2)) + 1}`;
    for (const connection of this.connections) connection.cut(1012);
  }

  backup() {
    return copied(this.streams);
  }

  /** @param {string} command @param {...FakeError} errors */
  refuseNext(command, ...errors) {
    this.refusals.set(command, [...(this.refusals.get(command) ?? []), ...errors]);
  }

  /** @param {Record<string, any>} command */
  acceptPost({ room, key, body }) {
    const known = this.#posted.get(key);
    const row = known ?? this.post(`room.${room}`, body);
    this.#posted.set(key, row);
    return { message: row.data, seq: row.seq, duplicate: known !== undefined };
  }

  /** The bodies of a room by number. @param {string} name */
  bodies(name) {
    const messages = [...this.stream(name).rows.values()].filter((row) => row.kind === 'message');
    return messages.sort((a, b) => a.data.number - b.data.number).map((row) => row.data.body);
  }

  /** @param {string} command */
  commands(command) {
    return this.received.filter((received) => received.command === command);
  }
}

/** One connection: the server's end, with the client's WebSocket on the other. */
export class FakeConnection {
  #server;
  url;
  protocols;
  /** @type {FakeWebSocket} */
  socket;
  open = true;
  /** Frames on their way. @type {string[]} */
  toClient = [];
  /** @type {string[]} */
  toServer = [];
  /** Subscriptions, and whether each is level. @type {Map<string, boolean>} */
  subscriptions = new Map();
  /**
   * Events that the broker lost for this connection, so that the next change comes as a page.
   * @type {Map<string, number>}
   */
  #holes = new Map();
  #moving = false;

  /**
   * @param {FakeServer} server
   * @param {string} url
   * @param {string[]} protocols
   */
  constructor(server, url, protocols) {
    this.#server = server;
    this.url = url;
    this.protocols = protocols;
    this.socket = new FakeWebSocket(this);
    if (!server.reachable) this.cut(1006);
    else if (!server.mute) this.greet();
  }

  greet() {
    const { user, epoch, pingAfter, streams } = this.#server;
    this.send({
      type: 'hello',
      connection: `c-${this.#server.connections.length}`,
      node: 'fake',
      user,
      epoch,
      ping_after: pingAfter,
      heads: { [`inbox.${user.id}`]: streams.get(`inbox.${user.id}`)?.head ?? 0 },
    });
  }

  /** Send one object, or several as an array. @param {...Record<string, unknown>} objects */
  send(...objects) {
    this.sendText(JSON.stringify(objects.length === 1 ? objects[0] : objects));
  }

  /** @param {string} text */
  sendText(text) {
    if (!this.open) return;
    this.toClient.push(text);
    this.moveSoon();
  }

  moveSoon() {
    if (this.#server.manual || this.#moving) return;
    this.#moving = true;
    queueMicrotask(() => {
      this.#moving = false;
      while (!this.#server.manual && (this.moveToServer() || this.moveToClient()));
    });
  }

  /** @returns {boolean}  whether a frame was there */
  moveToServer() {
    const text = this.toServer.shift();
    if (text !== undefined && this.open) this.#handle(JSON.parse(text));
    return text !== undefined;
  }

  /** @returns {boolean}  whether a frame was there */
  moveToClient() {
    const text = this.toClient.shift();
    if (text !== undefined) this.socket.onmessage?.({ data: text });
    return text !== undefined;
  }

  /**
   * The connection ends, and frames on their way are lost.
   * @param {number} code
   * @param {string} [reason]
   */
  cut(code, reason = '') {
    if (!this.open) return;
    this.open = false;
    this.toClient.length = 0;
    queueMicrotask(() => this.socket.onclose?.({ code, reason }));
  }

  /**
   * Say `bye`, then close.
   * @param {number} code
   * @param {string} reason
   * @param {number | null} retryAfter
   */
  bye(code, reason, retryAfter) {
    this.send({ type: 'bye', reason, retry_after: retryAfter });
    while (this.moveToClient());
    this.cut(code, reason);
  }

  /** The network is dead: nothing comes, and nobody says so. */
  die() {
    this.open = false;
    this.toClient.length = 0;
  }

  /** Push a change that was pushed before. @param {string} name */
  repeat(name) {
    const row = [...this.#server.stream(name).rows.values()][0];
    if (row && this.subscriptions.get(name)) this.send({ type: 'event', stream: name, ...row });
  }

  /** Push a page of long ago. @param {string} name */
  repeatPage(name) {
    const from = Math.max(0, this.#server.stream(name).head - 6);
    const page = this.#server.page(name, from, 2);
    if (this.subscriptions.get(name)) this.send({ type: 'page', ...page, head: page.to });
  }

  /** Forget a push that is on its way: no server does that, and a client heals it all the same. */
  forgetPush() {
    const index = this.toClient.findIndex(
      (text) => text.includes('"type":"event"') || text.includes('"type":"page"'),
    );
    if (index >= 0) this.toClient.splice(index, 1);
  }

  /** Put what is on its way into one message. */
  joinFrames() {
    if (this.toClient.length < 2 || !this.open) return;
    const objects = this.toClient
      .splice(0)
      .flatMap((text) => (text.startsWith('[') ? text.slice(1, -1) : text));
    this.toClient.push(`[${objects.join(',')}]`);
  }

  /** @param {string} name */
  fallBehind(name) {
    if (!this.subscriptions.get(name)) return;
    this.subscriptions.set(name, false);
    this.send({ type: 'behind', stream: name, head: this.#server.stream(name).head });
  }

  /** @param {string} name @param {string} reason */
  end(name, reason) {
    if (this.subscriptions.delete(name)) this.send({ type: 'closed', stream: name, reason });
  }

  /**
   * @param {string} name
   * @param {FakeRow} row
   * @param {boolean} lost
   */
  changed(name, row, lost) {
    if (!this.subscriptions.get(name)) return;
    const hole = this.#holes.get(name);
    if (lost) this.#holes.set(name, hole ?? row.seq - 1);
    else if (hole !== undefined) this.repair(name);
    else this.send({ type: 'event', stream: name, ...row });
  }

  /**
   * The head check of the server: it repairs a tail that lost something with a page.
   * @param {string} name
   */
  repair(name) {
    const hole = this.#holes.get(name);
    if (hole === undefined) return;
    this.#holes.delete(name);
    if (this.subscriptions.get(name))
      this.send({ type: 'page', ...this.#server.page(name, hole, Infinity) });
  }

  /** @param {Record<string, any>} command */
  #handle(command) {
    const server = this.#server;
    server.received.push(command);
    if (server.ignored.has(command.command)) return;
    const refusal = server.refusals.get(command.command)?.shift();
    if (refusal) this.send({ type: 'reply', id: command.id, ok: false, error: refusal });
    else this.#answer(command);
  }

  /** @param {Record<string, any>} command */
  #answer(command) {
    const { id } = command;
    const answer = this.#data(command);
    if ('error' in answer) this.send({ type: 'reply', id, ok: false, error: answer.error });
    else this.send({ type: 'reply', id, ok: true, data: answer.data });
  }

  /** @param {Record<string, any>} command @returns {{data: unknown} | {error: FakeError}} */
  #data(command) {
    if (command.command === 'subscribe') return { data: this.#subscribe(command.streams) };
    if (command.command === 'pull') return this.#pull(command.stream, command.after);
    if (command.command === 'message.post') return { data: this.#server.acceptPost(command) };
    if (command.command === 'ping') return { data: { time: 'now' } };
    if (command.command === 'unsubscribe')
      for (const name of command.streams) this.subscriptions.delete(name);
    return { data: {} };
  }

  /** @param {Record<string, number | null>} streams */
  #subscribe(streams) {
    /** @type {Record<string, unknown>} */
    const pages = {};
    /** @type {Record<string, FakeError>} */
    const errors = {};
    let room = this.#server.replySize;
    for (const [name, position] of Object.entries(streams)) {
      const after = position ?? this.#server.stream(name).head;
      const error = this.#server.refuse(name, after);
      if (error) {
        errors[name] = error;
        continue;
      }
      const page = this.#server.page(name, after, Math.min(room, this.#server.pageSize));
      room -= page.events.length;
      this.#answered(name, page);
      pages[name] = page;
    }
    return { pages, errors };
  }

  /** @param {string} name @param {number} after @returns {{data: unknown} | {error: FakeError}} */
  #pull(name, after) {
    if (!this.subscriptions.has(name))
      return { error: { code: 'not_subscribed', message: 'subscribe first' } };
    const error = this.#server.refuse(name, after);
    if (error) return { error };
    const page = this.#server.page(name, after);
    this.#answered(name, page);
    return { data: page };
  }

  /**
   * Level or behind is decided in the step in which the page is made.
   * @param {string} name
   * @param {{to: number, head: number}} page
   */
  #answered(name, page) {
    this.#holes.delete(name);
    this.subscriptions.set(name, page.to === page.head);
  }
}

/** @param {Map<string, FakeStream>} streams */
function copied(streams) {
  return new Map(
    [...streams].map(([name, stream]) => [name, { ...stream, rows: new Map(stream.rows) }]),
  );
}
