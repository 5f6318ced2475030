/**
 * The types that the modules share: the objects of the protocol (docs/protocol.md §3) and the
 * parameters of pages. This file has no code.
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
 * @typedef {object} Page  The changes in `(from, to]`, in `seq` order.
 * @property {number} from
 * @property {number} to  after a page with `to === head`, a client is level
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
 * @property {string} now  the server's time
 * @property {number} [received]  when it arrived, by the clock of the device
 *
 * @typedef {object} Signal  Ephemeral: may be lost at any time.
 * @property {string} stream
 * @property {string} kind  e.g. `typing`
 * @property {Row} data
 */

/**
 * The state of a connection. `retryAt` is in milliseconds since 1970; `slot`: the server gave this
 * time in its `bye`.
 *
 * @typedef {{name: 'idle'}
 *   | {name: 'connecting'}
 *   | {name: 'open'}
 *   | {name: 'waiting', retryAt: number, slot: boolean}
 *   | {name: 'offline'}
 *   | {name: 'stopped', code: number, reason: string}} ConnectionState
 */

/**
 * The state of an entry of the outbox:
 *
 * - `queued`: waits for earlier entries, for the connection, or until `retryAt` with an `error`
 * - `sending`: being sent, by this or another tab
 * - `sent`: has its `ok`; `result` is the reply's data, if this tab received it and the server does
 *   not review it first; no longer in `entries`
 * - `failed`: refused; `retry` or `discard` it
 * - `discarded`: removed by the user; no longer in `entries`
 * @typedef {'queued' | 'sending' | 'sent' | 'failed' | 'discarded'} EntryState
 */

/**
 * @typedef {object} Entry  A command in the outbox.
 * @property {string} key  UUID
 * @property {number} owner  the id of the user who wrote it
 * @property {string} orderingKey  entries with the same one keep their order, e.g. `room.42`
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
 * Time and random numbers, which tests replace.
 *
 * @typedef {object} Clock
 * @property {() => number} now  milliseconds since 1970
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(handle: unknown) => void} clearTimeout
 * @property {() => number} random  in [0, 1)
 */

/**
 * Reports an error that no caller receives, of a callback or the storage.
 * @typedef {(error: unknown, where: string) => void} Report
 */

export {};
