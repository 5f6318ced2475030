/**
 * The sentences that notifications of chat become. chat/notification_kinds.py has the same for the
 * pages of the server; a test compares them. Each sentence is whole: languages order and inflect
 * its parts differently.
 * @module
 */

import { counted, fill, gettext, ngettext } from '../../realtime/lib/language.js';
import { momentText } from '../../realtime/lib/time_text.js';

/** @typedef {import('../../realtime/types.js').Row} Row */

/** A direct conversation has no name. @param {Row} row @returns {string} */
const roomName = (row) => row.params.room?.name ?? '';

/** How many people a group conversation has, without the author and the reader. @param {Row} row */
const othersOf = (row) => row.params.room?.others ?? 0;

/** @param {Row} row */
const values = (row) => ({
  name: row.actor?.name ?? gettext('Someone'),
  room: roomName(row),
  time: row.params.until ? momentText(row.params.until) : '',
});

/** @param {Row} row @param {string} inRoom @param {string} elsewhere */
const here = (row, inRoom, elsewhere) => fill(roomName(row) ? inRoom : elsewhere, values(row));

/** @type {Record<string, (row: Row) => string>} */
const siteRoles = {
  owner: () => gettext('%(name)s, a site moderator, made you an owner of %(room)s'),
  moderator: () => gettext('%(name)s, a site moderator, made you a moderator of %(room)s'),
  member: () => gettext('%(name)s, a site moderator, made you a member of %(room)s'),
};

/** Decisions of site moderators. @type {Record<string, (row: Row) => string>} */
const acts = {
  role: (row) => siteRoles[row.params.role](row),
  mute: () => gettext('%(name)s, a site moderator, muted you in %(room)s until %(time)s'),
  unmute: () => gettext('%(name)s, a site moderator, unmuted you in %(room)s'),
  remove: () => gettext('%(name)s, a site moderator, removed you from %(room)s'),
  ban: (row) =>
    row.params.until
      ? gettext('%(name)s, a site moderator, banned you from %(room)s until %(time)s')
      : gettext('%(name)s, a site moderator, banned you from %(room)s'),
  unban: () =>
    gettext('%(name)s, a site moderator, lifted your ban from %(room)s. You can join again.'),
  site_mute: () => gettext('%(name)s, a site moderator, muted you in all rooms until %(time)s'),
  filter_mute: () =>
    gettext(
      'A filter muted you in all rooms until %(time)s, because of a word that is not allowed here',
    ),
  site_unmute: () => gettext('%(name)s, a site moderator, unmuted you in all rooms'),
  site_ban: (row) =>
    row.params.until
      ? gettext('%(name)s, a site moderator, banned you from this site until %(time)s')
      : gettext('%(name)s, a site moderator, banned you from this site'),
  site_unban: () => gettext('%(name)s, a site moderator, lifted your ban from this site'),
  sign_out: () => gettext('%(name)s, a site moderator, signed you out on all devices'),
  deactivate: () => gettext('%(name)s, a site moderator, deactivated your account'),
  activate: () => gettext('%(name)s, a site moderator, activated your account again'),
  delete: (row) =>
    roomName(row)
      ? gettext('%(name)s, a site moderator, removed your message in %(room)s')
      : gettext('%(name)s, a site moderator, removed your message'),
  restore: (row) =>
    roomName(row)
      ? gettext('%(name)s, a site moderator, restored your message in %(room)s')
      : gettext('%(name)s, a site moderator, restored your message'),
  show: (row) =>
    roomName(row)
      ? gettext(
          '%(name)s, a site moderator, reviewed your message in %(room)s and made it visible again',
        )
      : gettext('%(name)s, a site moderator, reviewed your message and made it visible again'),
  bulk_delete: ({ params }) =>
    ngettext(
      '%(name)s, a site moderator, removed %(count)s of your messages',
      '%(name)s, a site moderator, removed %(count)s of your messages',
      params.messages,
    ),
  bulk_restore: ({ params }) =>
    ngettext(
      '%(name)s, a site moderator, restored %(count)s of your messages',
      '%(name)s, a site moderator, restored %(count)s of your messages',
      params.messages,
    ),
  held_refused: () =>
    gettext('%(name)s, a site moderator, did not accept your message in %(room)s'),
  held_again: () => gettext('Moderators are reviewing your message in %(room)s again'),
  warn: () => gettext('%(name)s, a site moderator, warned you'),
  appeal_accepted: () => gettext('Your appeal was accepted'),
  appeal_rejected: () => gettext('Your appeal was rejected'),
};

/** For moderators of the site. @type {Record<string, () => string>} */
const raidActs = {
  on: () => gettext('%(name)s switched on raid mode until %(time)s'),
  off: () => gettext('%(name)s switched off raid mode'),
  signs: () =>
    gettext('New accounts keep sending the same text or link. You can switch on raid mode.'),
};

/** Outcomes of reports. @type {Record<string, () => string>} */
const outcomes = {
  resolved: () => gettext('Thank you for your report; the message was removed.'),
  dismissed: () => gettext('Thank you for your report; the message stays.'),
  gone: () => gettext('Thank you for your report; the message was deleted before the decision.'),
  reopened: () => gettext('Moderators are reviewing your report again.'),
  restored: () =>
    gettext('The message that you reported was removed by mistake and is visible again.'),
  acted: () => gettext('Thank you for your report; moderators have taken action.'),
  no_action: () => gettext('Thank you for your report; moderators saw no reason to act.'),
};

/** @type {Record<string, (row: Row) => string>} */
const roles = {
  owner: () => gettext('%(name)s made you an owner of %(room)s'),
  moderator: () => gettext('%(name)s made you a moderator of %(room)s'),
  member: () => gettext('%(name)s made you a member of %(room)s'),
};

/** Actions of owners and moderators of a room. @type {Record<string, (row: Row) => string>} */
const roomActs = {
  role: (row) => roles[row.params.role](row),
  succession: () =>
    gettext('%(name)s left %(room)s. You can become its owner in the menu of the room.'),
  transfer: () => gettext('%(name)s made you the owner of %(room)s'),
  mute: () => gettext('%(name)s muted you in %(room)s until %(time)s'),
  unmute: () => gettext('%(name)s unmuted you in %(room)s'),
  remove: () => gettext('%(name)s removed you from %(room)s'),
  ban: (row) =>
    row.params.until
      ? gettext('%(name)s banned you from %(room)s until %(time)s')
      : gettext('%(name)s banned you from %(room)s'),
  unban: () => gettext('%(name)s lifted your ban from %(room)s'),
  delete: () => gettext('%(name)s removed your message in %(room)s'),
  restore: () => gettext('%(name)s restored your message in %(room)s'),
};

/** The reason of an ordinary user, as a quotation. @param {string} text */
export const quoted = (text) => (text ? fill(gettext('“%(text)s”'), { text }) : '');

/** By the number of people who are named. */
const reactedInRoom = [
  () => gettext('Someone reacted to your message in %(room)s'),
  () => gettext('%(first)s reacted to your message in %(room)s'),
  () => gettext('%(first)s and %(second)s reacted to your message in %(room)s'),
  () => gettext('%(first)s, %(second)s and %(third)s reacted to your message in %(room)s'),
];
const reacted = [
  () => gettext('Someone reacted to your message'),
  () => gettext('%(first)s reacted to your message'),
  () => gettext('%(first)s and %(second)s reacted to your message'),
  () => gettext('%(first)s, %(second)s and %(third)s reacted to your message'),
];

/** @param {Row} row */
function reaction(row) {
  const { people, others } = row.params;
  const [first = '', second = '', third = ''] = people.map((/** @type {Row} */ { name }) => name);
  const named = { ...values(row), first, second, third, count: others };
  if (others > 0 && people.length === 3)
    return fill(
      roomName(row)
        ? ngettext(
            '%(first)s, %(second)s, %(third)s and %(count)s other reacted to your message in %(room)s',
            '%(first)s, %(second)s, %(third)s and %(count)s others reacted to your message in %(room)s',
            others,
          )
        : ngettext(
            '%(first)s, %(second)s, %(third)s and %(count)s other reacted to your message',
            '%(first)s, %(second)s, %(third)s and %(count)s others reacted to your message',
            others,
          ),
      named,
    );
  return fill((roomName(row) ? reactedInRoom : reacted)[people.length](), named);
}

/** By kind. @type {Record<string, (row: Row) => string>} */
export const sentences = {
  mention: (row) =>
    here(row, gettext('%(name)s mentioned you in %(room)s'), gettext('%(name)s mentioned you')),
  reply: (row) =>
    here(row, gettext('%(name)s replied to you in %(room)s'), gettext('%(name)s replied to you')),
  direct: (row) =>
    othersOf(row) > 0
      ? fill(
          ngettext(
            '%(name)s wrote to you and %(count)s other person',
            '%(name)s wrote to you and %(count)s other people',
            othersOf(row),
          ),
          { ...values(row), count: othersOf(row) },
        )
      : fill(gettext('%(name)s wrote to you'), values(row)),
  message: (row) => fill(gettext('%(name)s wrote in %(room)s'), values(row)),
  reaction,
  invitation: (row) => fill(gettext('%(name)s invited you to %(room)s'), values(row)),
  moderation: (row) =>
    fill(acts[row.params.act](row), { ...values(row), count: row.params.messages ?? '' }),
  room: (row) => fill(roomActs[row.params.act](row), values(row)),
  raid: (row) => fill(raidActs[row.params.act](), values(row)),
  report: (row) => (outcomes[row.params.outcome] ?? outcomes.dismissed)(),
};

/** Of reports. @type {Record<string, () => string>} */
export const categories = {
  spam: () => gettext('Spam'),
  abuse: () => gettext('Abuse'),
  illegal: () => gettext('Illegal'),
  other: () => gettext('Other'),
};

/** Several in one entry, by kind. @type {Record<string, (row: Row, count: number) => string>} */
export const summaries = {
  reaction: (_row, count) =>
    counted('%(count)s reaction to your message', '%(count)s reactions to your message', count),
  direct: (row, count) =>
    othersOf(row) > 0
      ? counted(
          '%(count)s message in a group conversation',
          '%(count)s messages in a group conversation',
          count,
        )
      : fill(
          ngettext('%(count)s message from %(name)s', '%(count)s messages from %(name)s', count),
          {
            ...values(row),
            count,
          },
        ),
  message: (row, count) =>
    fill(ngettext('%(count)s message in %(room)s', '%(count)s messages in %(room)s', count), {
      ...values(row),
      count,
    }),
};

export const words = {
  inboxUnread: (/** @type {number} */ count) =>
    count === 0
      ? gettext('No unread notifications')
      : counted('%(count)s unread', '%(count)s unread', count),
};
