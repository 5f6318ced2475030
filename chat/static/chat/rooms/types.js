/**
 * The types of a room. This file has no code.
 * @module
 */

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').User} User
 * @typedef {import('../timeline/message.js').Message} Message
 *
 * @typedef {object} Listed  As the API lists a room.
 * @property {Row} room
 * @property {Row | null} membership
 * @property {User | null} [partner]  the other user of a direct room of two
 * @property {User[]} [people]  the other users of a group conversation
 * @property {number[]} [mentions]  numbers of the unread messages that mention the user
 * @property {[number, number][]} [uncounted]  first and last numbers of messages after the read
 *   number that do not count as unread
 * @property {number} seq
 *
 * @typedef {Listed & OpenedParts} Opened  As a page shows a room.
 *
 * @typedef {object} OpenedParts
 * @property {Message[]} messages
 * @property {Message[]} quoted
 * @property {boolean} newest  the messages are the newest ones
 * @property {number | null} number  of the message in the address
 * @property {number} member_count
 * @property {Record<number, string>} staff  the roles that badges show, by user id
 * @property {boolean} may_take_over
 *
 * @typedef {object} RoomContext
 * @property {User & {moderator: boolean}} me
 * @property {import('../people/people.js').People} people
 * @property {import('../people/blocks.js').Blocks} [blocks]
 * @property {import('../people/site_mute.js').SiteMute} [siteMute]
 * @property {import('../../realtime/api.js').Api} api
 * @property {import('../../realtime/client.js').Client} client
 *
 * @typedef {object} RoomEvents
 * @property {void} change  the room, the user's membership, or the unread messages
 * @property {number} back  marked as unread from this number on, in this tab or elsewhere
 * @property {Message} arrived  a new message of another user
 * @property {Message[]} messages  changed or loaded, inside or outside the window of the history
 * @property {Row} member  a membership of the room
 * @property {void} staff  the roles that badges show
 * @property {void} typing
 * @property {void} presence
 * @property {string} closed  the reason
 */

export {};
