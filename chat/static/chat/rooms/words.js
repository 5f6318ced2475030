/**
 * Texts of rooms: why someone can't post, the menu and the settings of a room, and the directory.
 * @module
 */

import { fill, gettext } from '../../realtime/lib/language.js';
import { serverNow } from '../../realtime/lib/server_clock.js';
import { dayAndClock, dayOf, duration, list } from '../lib/words.js';

const COUNTED_DOWN_SECONDS = 3600; // a longer wait is shown as the time at which it ends
const MOST_NAMES = 3; // of people who are typing, so that they fit on one line

export const words = {
  muted: (/** @type {string} */ until, now = serverNow()) => {
    const seconds = (Date.parse(until) - now) / 1000;
    return seconds < COUNTED_DOWN_SECONDS
      ? fill(gettext('A moderator muted you in this room. You can post again in %(time)s.'), {
          time: duration(seconds),
        })
      : fill(gettext('A moderator muted you in this room until %(until)s. You can still read.'), {
          until: dayAndClock(until),
        });
  },
  mutedEverywhere: (/** @type {string} */ until, now = serverNow()) => {
    const seconds = (Date.parse(until) - now) / 1000;
    return seconds < COUNTED_DOWN_SECONDS
      ? fill(gettext('You are muted in all rooms. You can post again in %(time)s.'), {
          time: duration(seconds),
        })
      : fill(gettext('You are muted in all rooms until %(until)s. You can still read.'), {
          until: dayAndClock(until),
        });
  },
  noneFound: gettext('No rooms found'),
  none: gettext('No public rooms yet'),
  tryFewer: gettext('Try fewer letters, or create the room yourself.'),
  createFirst: gettext('Create the first room, and others can find it here.'),
  takeOver: gettext('Become the owner'),
  tookOver: (/** @type {string} */ name) =>
    fill(gettext("You're now the owner of %(name)s"), { name }),
  report: gettext('Report room'),
  reportTitle: (/** @type {string} */ name) => fill(gettext('Report %(name)s'), { name }),
  reported: gettext('Report sent. A moderator will look at it.'),
  roomReports: gettext('Reports in this room'),
  readOnly: gettext('This room is read-only. Only owners and moderators can post.'),
  archived: gettext('This room is archived. You can read it, but no one can post.'),
  notKept: (/** @type {string} */ since) =>
    fill(gettext('Messages from before %(day)s are no longer kept.'), { day: dayOf(since) }),
  notMember: gettext("You're previewing a public room. Join it to post."),
  removed: gettext("You're no longer a member of this room."),
  banned: gettext("You've been banned from this room."),
  bannedUntil: (/** @type {string} */ until) =>
    fill(gettext("You've been banned from this room until %(time)s."), {
      time: dayAndClock(until),
    }),
  iBlocked: (/** @type {string} */ name) =>
    fill(gettext("You've blocked %(name)s. Unblock to send messages again."), { name }),

  typing: (/** @type {string[]} */ names) => {
    if (names.length === 0) return '';
    if (names.length > MOST_NAMES) return gettext('Several people are typing…');
    return names.length === 1
      ? fill(gettext('%(name)s is typing…'), { name: names[0] })
      : fill(gettext('%(names)s are typing…'), { names: list(names) });
  },

  notInRoom: (/** @type {string[]} */ names) =>
    fill(gettext('Not in this room, so not notified: %(names)s'), { names: list(names) }),
  mayNotMentionAll: gettext(
    'Only owners and moderators can mention the whole room, so no one was notified.',
  ),
  invite: gettext('Invite'),
  invitedThem: (/** @type {string[]} */ names) =>
    fill(gettext('Invited: %(names)s'), { names: list(names) }),

  markRead: gettext('Mark as read'),
  addFavourite: gettext('Add to favourites'),
  removeFavourite: gettext('Remove from favourites'),
  moveUp: gettext('Move up'),
  moveDown: gettext('Move down'),
  roomSettings: gettext('Room settings'),
  copyRoomLink: gettext('Copy link'),
  involvement: {
    everything: gettext('Notify me about all messages'),
    mentions: gettext('Notify me about mentions and replies'),
    nothing: gettext("Don't notify me"),
  },
  mute: gettext('Mute…'),
  muteName: (/** @type {string} */ name) => fill(gettext('Mute %(name)s'), { name }),
  muteFor: {
    hour: gettext('For 1 hour'),
    tomorrow: gettext('Until tomorrow morning'),
    week: gettext('For 1 week'),
  },
  muteForever: gettext('Until I turn it back on'),
  unmute: (/** @type {string} */ until) =>
    fill(gettext('Unmute (muted until %(time)s)'), { time: dayAndClock(until) }),
  leave: gettext('Leave room'),
  leaveTitle: (/** @type {string} */ name) => fill(gettext('Leave %(name)s?'), { name }),
  leaveText: gettext(
    'The room will be removed from your sidebar. If it is public, you can join again at any time.',
  ),
  leaveGroupText: gettext(
    'The conversation will be removed from your sidebar. To come back, start a message to the same people.',
  ),
  leaveDo: gettext('Leave'),

  archiveTitle: gettext('Archive this room'),
  archiveText: gettext(
    "It will be removed from everyone's sidebar. Members can still read it, but no one can post.",
  ),
  archiveDo: gettext('Archive'),
  archiveQuestion: (/** @type {string} */ name) => fill(gettext('Archive %(name)s?'), { name }),
  archivedDone: gettext('Room archived'),
  unarchiveTitle: gettext('This room is archived'),
  unarchiveText: gettext('Unarchive it to let members post again.'),
  unarchiveDo: gettext('Unarchive'),
  unarchivedDone: gettext('Room unarchived'),
  inviteByLink: gettext('Invite with a link'),
  linkUses: (/** @type {number} */ uses, /** @type {number} */ most) =>
    fill(gettext('%(uses)s of %(most)s uses'), { uses, most }),
  linkUntil: (/** @type {string} */ time) => fill(gettext('Expires %(time)s'), { time }),
  linkBy: (/** @type {string} */ name) => fill(gettext('Created by %(name)s'), { name }),
  saved: gettext('Saved'),

  noTopic: gettext('No topic yet'),
  joinRoom: (/** @type {string} */ name) => fill(gettext('Join %(name)s'), { name }),
};
