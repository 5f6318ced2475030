/**
 * Texts of the inbox as a page of chat; those of its entries are in notifications/words.js.
 * @module
 */

import { counted, gettext } from '../../realtime/lib/language.js';

export const words = {
  inboxUnread: (/** @type {number} */ count) =>
    count === 0
      ? gettext('No unread notifications')
      : counted('%(count)s unread', '%(count)s unread', count),
};
