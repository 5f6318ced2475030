/**
 * What the bell, the inbox and notifications on the desktop say.
 * @module
 */

import { counted, fill, gettext, ngettext } from '../realtime/lib/language.js';

const MOST_SHOWN = 99; // a badge is a glance, not a ledger

/** @param {number} unread */
export const bellCount = (unread) => (unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread));

/** @param {number} unread */
export const bellLabel = (unread) =>
  unread === 0 ? gettext('Inbox') : fill(gettext('Inbox, %(count)s unread'), { count: unread });

export const inboxWords = {
  unread: gettext('unread'),
  reactions: (/** @type {number} */ count) =>
    counted('%(count)s reaction', '%(count)s reactions', count),
  reactionsToMine: (/** @type {number} */ count) =>
    counted('%(count)s reaction to your message', '%(count)s reactions to your message', count),
  messagesFrom: (/** @type {number} */ count, /** @type {string} */ name) =>
    fill(ngettext('%(count)s message from %(name)s', '%(count)s messages from %(name)s', count), {
      count,
      name,
    }),
  messagesIn: (/** @type {number} */ count, /** @type {string} */ room) =>
    fill(ngettext('%(count)s message in %(room)s', '%(count)s messages in %(room)s', count), {
      count,
      room,
    }),
  messages: (/** @type {number} */ count) =>
    counted('%(count)s message', '%(count)s messages', count),
  somebody: gettext('somebody'),
  archived: (/** @type {number} */ count) => counted('Archived', '%(count)s archived', count),
  backAgain: (/** @type {number} */ count) =>
    counted('Back in the inbox', '%(count)s back in the inbox', count),
  wasRead: (/** @type {number} */ count) =>
    counted('Marked as read', '%(count)s marked as read', count),
  wasUnread: (/** @type {number} */ count) =>
    counted('Marked as unread', '%(count)s marked as unread', count),
  undo: gettext('Undo'),
  undone: gettext('Undone'),
  nothingToUndo: gettext('There is nothing to undo.'),
  showEach: gettext('Show each of them'),
  fold: gettext('Fold them together'),
};

export const desktopWords = {
  many: (/** @type {number} */ count) =>
    counted('%(count)s unread notification', '%(count)s unread notifications', count),
  states: {
    none: gettext('This browser cannot show notifications.'),
    denied: gettext(
      'This browser was told never to show notifications of this site. Allow them in its settings for this site, then come back.',
    ),
    ask: gettext('This browser has not been asked yet.'),
    off: gettext('Turned off in this browser.'),
    on: gettext('Turned on in this browser.'),
  },
  notSaved: gettext('This could not be saved. Try again.'),
  sample: gettext('This is what a notification looks like'),
  sampleText: gettext('You see one only while no window of Holdfast is in front of you.'),
};

/**
 * The sentences that titles of notifications are, by kind: in English, as the server writes them
 * (notifications/titles.py). The functions that look like translating only mark them here;
 * titles.js translates.
 * @type {Record<string, string[]>}
 */
export const sentences = (({ gettext }) => ({
  mention: [gettext('%(name)s mentioned you in %(room)s'), gettext('%(name)s mentioned you')],
  reply: [gettext('%(name)s replied to you in %(room)s'), gettext('%(name)s replied to you')],
  direct: [gettext('%(name)s wrote to you')],
  message: [gettext('%(name)s wrote in %(room)s')],
  reaction: [
    gettext('%(names)s and %(count)s others reacted to your message in %(room)s'),
    gettext('%(names)s and 1 other reacted to your message in %(room)s'),
    gettext('%(names)s and %(last)s reacted to your message in %(room)s'),
    gettext('%(names)s reacted to your message in %(room)s'),
    gettext('%(names)s and %(last)s reacted to your message'),
    gettext('%(names)s reacted to your message'),
  ],
  invitation: [gettext('%(name)s added you to %(room)s')],
  moderation: [
    gettext('%(name)s made you the owner of %(room)s'),
    gettext('You are now an owner of %(room)s'),
    gettext('You are now a moderator of %(room)s'),
    gettext('You are now a member of %(room)s'),
    gettext('%(room)s: a moderator muted you'),
    gettext('%(room)s: a moderator lets you speak again'),
    gettext('%(room)s: a moderator removed you from the room'),
    gettext('%(room)s: a moderator banned you from the room'),
    gettext('%(room)s: a moderator lifted your ban; you may come back'),
    gettext('A moderator removed your message in %(room)s'),
    gettext('A moderator removed your message'),
    gettext('A moderator restored your message in %(room)s'),
    gettext('A moderator restored your message'),
    gettext('A moderator looked at your message and shows it again in %(room)s'),
    gettext('A moderator looked at your message and shows it again'),
    gettext('%(room)s: a moderator muted you until %(time)s'),
    gettext('%(room)s: a moderator banned you from the room until %(time)s'),
    gettext('A moderator muted you in all rooms until %(time)s'),
    gettext('A moderator lets you speak again, in all rooms'),
    gettext('A moderator removed %(count)s of your messages'),
    gettext('A moderator restored %(count)s of your messages'),
    gettext('You were banned from this site'),
    gettext('Your ban from this site was lifted'),
    gettext('A moderator signed you out on all devices'),
    gettext('A moderator deactivated your account'),
    gettext('A moderator activated your account again'),
  ],
  report: [
    gettext('Thank you for your report; the message was removed.'),
    gettext('Thank you for your report; the message stays.'),
  ],
}))({ gettext: (/** @type {string} */ text) => text });
