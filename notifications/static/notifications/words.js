/**
 * What the bell, the inbox and notifications on the desktop say.
 * @module
 */

import { counted, fill, gettext, ngettext } from '../realtime/language.js';

const MOST_SHOWN = 99; // a badge is a glance, not a ledger

/** @param {number} unread */
export const bellCount = (unread) => (unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread));

/** @param {number} unread */
export const bellLabel = (unread) => (unread === 0 ? gettext('Inbox') : fill(gettext('Inbox, %(count)s unread'), { count: unread }));

export const inboxWords = {
  unread: gettext('unread'),
  reactions: (/** @type {number} */ count) => counted('%(count)s reaction', '%(count)s reactions', count),
  reactionsToMine: (/** @type {number} */ count) => counted('%(count)s reaction to your message', '%(count)s reactions to your message', count),
  messagesFrom: (/** @type {number} */ count, /** @type {string} */ name) => fill(ngettext('%(count)s message from %(name)s', '%(count)s messages from %(name)s', count), { count, name }),
  messagesIn: (/** @type {number} */ count, /** @type {string} */ room) => fill(ngettext('%(count)s message in %(room)s', '%(count)s messages in %(room)s', count), { count, room }),
  messages: (/** @type {number} */ count) => counted('%(count)s message', '%(count)s messages', count),
  somebody: gettext('somebody'),
  archived: (/** @type {number} */ count) => counted('Archived', '%(count)s archived', count),
  backAgain: (/** @type {number} */ count) => counted('Back in the inbox', '%(count)s back in the inbox', count),
  wasRead: (/** @type {number} */ count) => counted('Marked as read', '%(count)s marked as read', count),
  wasUnread: (/** @type {number} */ count) => counted('Marked as unread', '%(count)s marked as unread', count),
  undo: gettext('Undo'),
  undone: gettext('Undone'),
  nothingToUndo: gettext('There is nothing to undo.'),
  showEach: gettext('Show each of them'),
  fold: gettext('Fold them together'),
};

export const desktopWords = {
  many: (/** @type {number} */ count) => counted('%(count)s unread notification', '%(count)s unread notifications', count),
  states: {
    none: gettext('This browser cannot show notifications.'),
    denied: gettext('This browser was told never to show notifications of this site. Allow them in its settings for this site, then come back.'),
    ask: gettext('This browser has not been asked yet.'),
    off: gettext('Turned off in this browser.'),
    on: gettext('Turned on in this browser.'),
  },
  notSaved: gettext('This could not be saved. Try again.'),
  sample: gettext('This is what a notification looks like'),
  sampleText: gettext('You see one only while no window of Holdfast is in front of you.'),
};
