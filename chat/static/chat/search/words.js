/**
 * Texts of the search and of the switcher.
 * @module
 */

import { counted, fill, gettext } from '../../realtime/lib/language.js';

export const words = {
  messagesFound: (/** @type {number} */ count) =>
    count === 0
      ? gettext('No messages found')
      : counted('%(count)s message found', '%(count)s messages found', count),
  searchFailed: gettext("Couldn't search. Try again when you're back online."),
  searchFor: (/** @type {string} */ typed) =>
    fill(gettext('Search messages for “%(typed)s”'), { typed }),
  pages: {
    inbox: gettext('Inbox'),
    search: gettext('Search messages'),
    directory: gettext('Browse rooms'),
    newRoom: gettext('New room'),
    settings: gettext('Account settings'),
    markAllRead: gettext('Mark all rooms as read'),
    shortcuts: gettext('Keyboard shortcuts'),
  },
};
