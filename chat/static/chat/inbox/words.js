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

/** @param {Row} row */
const values = (row) => ({
  name: row.actor?.name ?? gettext('Someone'),
  room: roomName(row),
  time: row.params.until ? momentText(row.params.until) : '',
});

/** @param {Row} row @param {string} inRoom @param {string} elsewhere */
const here = (row, inRoom, elsewhere) => fill(roomName(row) ? inRoom : elsewhere, values(row));

/** @type {Record<string, (row: Row) => string>} */
const roles = {
  owner: () => gettext('You are now an owner of %(room)s'),
  moderator: () => gettext('You are now a moderator of %(room)s'),
  member: () => gettext('You are now a member of %(room)s'),
};

/** Decisions of moderators. @type {Record<string, (row: Row) => string>} */
const acts = {
  role: (row) => roles[row.params.role](row),
  succession: () => gettext('You are now an owner of %(room)s: the last owner has left'),
  transfer: () => gettext('%(name)s made you the owner of %(room)s'),
  mute: () => gettext('%(room)s: a moderator muted you until %(time)s'),
  unmute: () => gettext('%(room)s: a moderator unmuted you'),
  remove: () => gettext('%(room)s: a moderator removed you from the room'),
  ban: (row) =>
    row.params.until
      ? gettext('%(room)s: a moderator banned you from the room until %(time)s')
      : gettext('%(room)s: a moderator banned you from the room'),
  unban: () => gettext('%(room)s: a moderator lifted your ban. You can join again.'),
  site_mute: () => gettext('A moderator muted you in all rooms until %(time)s'),
  site_unmute: () => gettext('A moderator unmuted you in all rooms'),
  site_ban: (row) =>
    row.params.until
      ? gettext('You were banned from this site until %(time)s')
      : gettext('You were banned from this site'),
  site_unban: () => gettext('Your ban from this site was lifted'),
  sign_out: () => gettext('A moderator signed you out on all devices'),
  deactivate: () => gettext('A moderator deactivated your account'),
  activate: () => gettext('A moderator activated your account again'),
  delete: (row) =>
    roomName(row)
      ? gettext('A moderator removed your message in %(room)s')
      : gettext('A moderator removed your message'),
  restore: (row) =>
    roomName(row)
      ? gettext('A moderator restored your message in %(room)s')
      : gettext('A moderator restored your message'),
  show: (row) =>
    roomName(row)
      ? gettext('A moderator reviewed your message and made it visible again in %(room)s')
      : gettext('A moderator reviewed your message and made it visible again'),
  bulk_delete: ({ params }) =>
    counted(
      'A moderator removed %(count)s of your messages',
      'A moderator removed %(count)s of your messages',
      params.messages,
    ),
  bulk_restore: ({ params }) =>
    counted(
      'A moderator restored %(count)s of your messages',
      'A moderator restored %(count)s of your messages',
      params.messages,
    ),
};

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
  direct: (row) => fill(gettext('%(name)s wrote to you'), values(row)),
  message: (row) => fill(gettext('%(name)s wrote in %(room)s'), values(row)),
  reaction,
  invitation: (row) => fill(gettext('%(name)s added you to %(room)s'), values(row)),
  moderation: (row) => fill(acts[row.params.act](row), values(row)),
  report: (row) =>
    row.params.outcome === 'resolved'
      ? gettext('Thank you for your report; the message was removed.')
      : gettext('Thank you for your report; the message stays.'),
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
    fill(ngettext('%(count)s message from %(name)s', '%(count)s messages from %(name)s', count), {
      ...values(row),
      count,
    }),
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
