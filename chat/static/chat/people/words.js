/**
 * Texts about people: the member list, the profile, and what moderators do there.
 * @module
 */

import { fill, gettext, pgettext } from '../../realtime/lib/language.js';
import { momentText } from '../../realtime/lib/time_text.js';
import { clock } from '../lib/words.js';

export const words = {
  roles: { owner: gettext('Owner'), moderator: gettext('Moderator'), member: '' },
  /** Beside a name. @param {string | undefined} role */
  badge: (role) =>
    role === 'site'
      ? gettext('Site moderator')
      : role === 'owner'
        ? gettext('Owner')
        : role === 'moderator'
          ? gettext('Moderator')
          : '',
  here: (/** @type {number} */ count) => fill(gettext('Here now · %(count)s'), { count }),
  notHere: (/** @type {number} */ count) => fill(gettext('Not here · %(count)s'), { count }),
  owners: (/** @type {number} */ count) => fill(gettext('Owners · %(count)s'), { count }),
  moderators: (/** @type {number} */ count) => fill(gettext('Moderators · %(count)s'), { count }),
  hereOf: (/** @type {number} */ here, /** @type {number} */ all) =>
    fill(gettext('%(here)s of %(all)s here'), { here, all }),
  notInRoom: gettext('Not in this room'),
  accountClosed: gettext('Deactivated account'),
  memberSince: (/** @type {string} */ day) => fill(gettext('Member since %(day)s'), { day }),
  present: gettext('Here now'),
  absent: gettext('Not here'),
  raidUntil: (/** @type {string} */ until) =>
    fill(gettext('Raid mode is on until %(time)s.'), { time: momentText(until) }),
  mutedUntil: (/** @type {string} */ until) =>
    fill(gettext('Muted until %(time)s'), { time: clock(until) }),

  message: pgettext('a verb', 'Message'),
  mention: pgettext('a verb', 'Mention'),
  addPeople: gettext('Invite people to this room'),
  invited: (/** @type {string} */ name) => fill(gettext('%(name)s was invited'), { name }),

  report: gettext('Report'),
  reportTitle: (/** @type {string} */ name) => fill(gettext('Report %(name)s'), { name }),
  reported: gettext('Report sent. A moderator will look at it.'),
  block: gettext('Block'),
  blockTitle: (/** @type {string} */ name) => fill(gettext('Block %(name)s?'), { name }),
  blockText: gettext(
    "Their messages will be collapsed, you won't be notified about them, and they can't message you. They won't know.",
  ),
  blocked: (/** @type {string} */ name) => fill(gettext('%(name)s blocked'), { name }),
  unblock: gettext('Unblock'),
  unblockPerson: (/** @type {string} */ name) => fill(gettext('Unblock %(name)s'), { name }),
  unblocked: (/** @type {string} */ name) => fill(gettext('%(name)s unblocked'), { name }),

  makeOwner: gettext('Make owner'),
  makeModerator: gettext('Make moderator'),
  makeMember: gettext('Make member'),
  transfer: gettext('Transfer ownership…'),
  transferTitle: (/** @type {string} */ name) =>
    fill(gettext('Transfer this room to %(name)s?'), { name }),
  transferText: gettext("You'll become a moderator. Only the new owner can transfer it back."),
  transferDo: gettext('Transfer ownership'),
  mute: gettext('Mute…'),
  muteTitle: (/** @type {string} */ name) => fill(gettext('Mute %(name)s?'), { name }),
  muteText: gettext('They can read but not post until the mute ends.'),
  muteDo: gettext('Mute'),
  unmute: gettext('Unmute'),
  remove: gettext('Remove from room…'),
  removeTitle: (/** @type {string} */ name) =>
    fill(gettext('Remove %(name)s from this room?'), { name }),
  removeText: gettext('They can be invited again. If the room is public, they can also rejoin.'),
  removeDo: gettext('Remove'),
  ban: gettext('Ban from room…'),
  banTitle: (/** @type {string} */ name) => fill(gettext('Ban %(name)s from this room?'), { name }),
  banText: gettext("They'll be removed immediately and can't come back until the ban ends."),
  banDo: gettext('Ban'),

  siteMute: gettext('Mute in all rooms…'),
  siteMuteTitle: (/** @type {string} */ name) =>
    fill(gettext('Mute %(name)s in all rooms?'), { name }),
  siteMuteText: gettext('They can read but not post anywhere on this site until the mute ends.'),
  siteMuted: (/** @type {string} */ name) => fill(gettext('%(name)s muted in all rooms'), { name }),
  siteBan: gettext('Ban from site…'),
  siteBanTitle: (/** @type {string} */ name) =>
    fill(gettext('Ban %(name)s from the site?'), { name }),
  siteBanText: gettext(
    "They'll be signed out everywhere and can't return until the ban ends. Their messages stay.",
  ),
  siteBannedOther: (/** @type {string} */ name) =>
    fill(gettext('%(name)s banned from the site'), { name }),
};
