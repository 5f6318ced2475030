/**
 * Texts of the bell, the inbox and desktop notifications.
 * @module
 */

import { counted, fill, gettext } from '../realtime/lib/language.js';

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
  archived: (/** @type {number} */ count) => counted('Archived', '%(count)s archived', count),
  unarchived: (/** @type {number} */ count) =>
    counted('Moved to inbox', '%(count)s moved to inbox', count),
  wasRead: (/** @type {number} */ count) =>
    counted('Marked as read', '%(count)s marked as read', count),
  wasUnread: (/** @type {number} */ count) =>
    counted('Marked as unread', '%(count)s marked as unread', count),
  undo: gettext('Undo'),
  undone: gettext('Undone'),
  nothingToUndo: gettext('Nothing to undo'),
  showEach: gettext('Show all'),
  fold: gettext('Collapse'),
};

/** Kinds that the notifications app itself sends. */
export const noticeWords = {
  broadcast: gettext('A message from the administrators'),
  recalled: gettext('This message was taken back.'),
};

export const desktopWords = {
  many: (/** @type {number} */ count) =>
    counted('%(count)s unread notification', '%(count)s unread notifications', count),
  states: {
    none: gettext("This browser doesn't support notifications."),
    denied: gettext(
      "Notifications from this site are blocked. Allow them in your browser's site settings, then reload this page.",
    ),
    ask: gettext('Off. Your browser will ask for permission.'),
    off: gettext('Off in this browser'),
    on: gettext('On in this browser'),
  },
  notSaved: gettext("Your change couldn't be saved. Try again."),
  sample: gettext('Test notification'),
  sampleText: gettext('Notifications appear only while no Holdfast window is in focus.'),
};
