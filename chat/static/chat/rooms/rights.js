/**
 * The user's rights in a room and over a message. The server decides; these only hide buttons whose
 * command the server would refuse.
 * @module
 */

import { untilServerTime } from '../../realtime/lib/server_clock.js';
import { words } from './words.js';

/**
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {{words: string, icon: string, join: boolean}} Obstacle
 */

/**
 * Why the user cannot post in a room now; null if they can.
 * @param {Room} room
 * @returns {Obstacle | null}
 */
export function postingObstacle(room) {
  const state = room.membership?.state ?? 'none';
  if (room.data.archived_at) return { words: words.archived, icon: 'archive', join: false };
  if (state === 'banned' && !isOver(room.membership)) {
    const until = room.membership?.banned_until;
    return { words: until ? words.bannedUntil(until) : words.banned, icon: 'ban', join: false };
  }
  if (state === 'removed')
    return { words: words.removed, icon: 'user-minus', join: room.data.kind === 'public' };
  if (state !== 'active')
    return { words: words.notMember, icon: 'eye', join: room.data.kind === 'public' };
  const mute = muteOf(room);
  if (mute)
    return {
      words: mute.everywhere ? words.mutedEverywhere(mute.until) : words.muted(mute.until),
      icon: 'volume-x',
      join: false,
    };
  if (room.partnerBlocked) return { words: words.iBlocked(room.title), icon: 'ban', join: false };
  if (room.data.read_only && !room.canModerate)
    return { words: words.readOnly, icon: 'lock', join: false };
  return null;
}

/** The longer of the room's and the site's mute; null without one. @param {Room} room */
function muteOf(room) {
  const mutes = [
    { until: room.siteMutedUntil, everywhere: true },
    { until: room.membership?.muted_until, everywhere: false },
  ];
  const standing = mutes.filter(({ until }) => until && untilServerTime(until) > 0);
  return standing.sort((one, other) => Date.parse(other.until) - Date.parse(one.until))[0] ?? null;
}

/**
 * True if the text is gone: deleted, or hidden for a review by moderators.
 * @param {{deleted_at: string | null, hidden_at?: string}} message
 */
export const isGone = ({ deleted_at, hidden_at }) => deleted_at !== null || Boolean(hidden_at);

/**
 * @param {Room} room
 * @param {Message} message
 * @param {number} meId
 */
export function messageRights(room, message, meId) {
  const alive = !isGone(message);
  const mine = message.author.id === meId;
  const member = room.isMember && !room.data.archived_at;
  return {
    react: alive && member && !muteOf(room),
    reply: alive && postingObstacle(room) === null,
    edit: alive && mine && postingObstacle(room) === null,
    link: true,
    unread: alive && member,
    report: alive && !mine,
    delete: alive && ((mine && member) || room.canModerate),
  };
}

/**
 * True if a ban with an end is over. Its row stays until the user comes back.
 * @param {import('../../realtime/types.js').Row | null} membership
 */
function isOver(membership) {
  return Boolean(membership?.banned_until) && untilServerTime(membership?.banned_until) <= 0;
}

const RANKS = { member: 1, moderator: 2, owner: 3 };

/**
 * The user may mute, remove or ban members with a lower role.
 * @param {Room} room
 * @param {import('../../realtime/types.js').Row} member
 * @param {{id: number, moderator: boolean}} me
 */
export function memberRights(room, member, me) {
  const mine = me.moderator
    ? 4
    : (RANKS[/** @type {keyof typeof RANKS} */ (room.membership?.role ?? '')] ?? 0);
  const theirs = RANKS[/** @type {keyof typeof RANKS} */ (member.role)] ?? 0;
  const above = room.canModerate && member.user.id !== me.id && mine > theirs;
  return { moderate: above, changeRole: above && mine >= RANKS.owner };
}

/** Members invite to public rooms, moderators to private ones. @param {Room} room */
export function mayInvite(room) {
  return room.canModerate || (room.isMember && room.data.kind === 'public');
}
