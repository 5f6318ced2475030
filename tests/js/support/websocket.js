/** The client's end: as much of a WebSocket as socket.js uses. */
export class FakeWebSocket {
  #connection;
  /** @type {((message: {data: unknown}) => void) | null} */
  onmessage = null;
  /** @type {((close: {code: number, reason: string}) => void) | null} */
  onclose = null;

  /** @param {import('./server.js').FakeConnection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** @param {string} text */
  send(text) {
    this.#connection.toServer.push(text);
    this.#connection.moveSoon();
  }

  close() {
    this.#connection.open = false;
    this.#connection.toClient.length = 0;
  }
}
