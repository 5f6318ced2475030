/**
 * The shapes that the modules share, as JSDoc types: what goes over the wire (docs/protocol.md §3)
 * and what a page hands in. No code: this file exists for the type checker and the reader.
 * @module
 */

/**
 * @typedef {Record<string, any>} Row  The whole state of one row, as the server sends it.
 *
 * @typedef {object} StreamEvent  The newest state of one row of a stream.
 * @property {number} seq  the stream's head at this row's last change
 * @property {string} kind  e.g. `message`
 * @property {Row} data
 *
 * @typedef {object} Page  What changed in `(from, to]`, in `seq` order.
 * @property {number} from
 * @property {number} to  `to === head`: whoever applies it is level
 * @property {number} head
 * @property {StreamEvent[]} events
 *
 * @typedef {object} User
 * @property {number} id
 * @property {string} username
 * @property {string} name
 *
 * @typedef {object} Hello  The first object of a connection.
 * @property {string} connection
 * @property {string} node
 * @property {string} version  of the server's program
 * @property {User} user
 * @property {string} epoch
 * @property {number} ping_after  seconds
 * @property {Record<string, number>} heads
 *
 * @typedef {object} Signal  Ephemeral: may be lost at any time.
 * @property {string} stream
 * @property {string} kind  e.g. `typing`
 * @property {Row} data
 */

/**
 * What a connection is doing. `retryAt` is in milliseconds of the clock (`Date.now()`); `slot`: the
 * server gave this time in its `bye`.
 *
 * @typedef {{name: 'idle'}
 *   | {name: 'connecting'}
 *   | {name: 'open'}
 *   | {name: 'waiting', retryAt: number, slot: boolean}
 *   | {name: 'offline'}
 *   | {name: 'stopped', code: number, reason: string}} ConnectionState
 */

/**
 * What becomes of an entry of the outbox:
 *
 * - `queued`: waits for its turn, for the connection, or until `retryAt` (then `error` says why)
 * - `sending`: a command is under way, here or in another tab
 * - `sent`: has its `ok`; `result` is the reply's data, where this browser saw it. Not in `entries`
 *   any more
 * - `failed`: refused for good; `retry` or `discard` it
 * - `discarded`: thrown away by the person. Not in `entries` any more
 * @typedef {'queued' | 'sending' | 'sent' | 'failed' | 'discarded'} EntryState
 */

/**
 * @typedef {object} Entry  A command in the outbox.
 * @property {string} key  UUID
 * @property {number} owner  the id of the user who wrote it
 * @property {string} lane  what keeps its order, e.g. `room.42`
 * @property {string} command  e.g. `message.post`
 * @property {Record<string, any>} fields  without `key`
 * @property {number} createdAt  milliseconds since 1970
 * @property {number | null} order  null until it is stored
 * @property {EntryState} state
 * @property {{code: string, message: string, retryAfter: number | null} | null} error
 * @property {number} retryAt  0, or milliseconds since 1970
 * @property {any} result
 */

/**
 * Time and chance, so that tests own both.
 *
 * @typedef {object} Clock
 * @property {() => number} now  milliseconds since 1970
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(handle: unknown) => void} clearTimeout
 * @property {() => number} random  in [0, 1)
 */

/**
 * Where a problem that nobody awaits goes (a callback that threw, storage that failed).
 * @typedef {(error: unknown, where: string) => void} Report
 */

export {};
