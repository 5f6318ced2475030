/**
 * Texts of the sidebar.
 * @module
 */

import { fill, gettext } from '../../realtime/lib/language.js';

export const words = {
  invitedBy: (/** @type {string} */ name) => fill(gettext('from %(name)s'), { name }),
  declined: (/** @type {string} */ name) =>
    fill(gettext('Invitation to %(name)s declined'), { name }),
  unreadBelow: gettext('Unread messages below'),
  unreadAbove: gettext('Unread messages above'),
};
