/**
 * Texts of the sidebar.
 * @module
 */

import { fill, gettext } from '../../realtime/lib/language.js';
import { dayAndClock } from '../lib/words.js';

export const words = {
  invitedBy: (/** @type {string} */ name) => fill(gettext('from %(name)s'), { name }),
  declined: (/** @type {string} */ name) =>
    fill(gettext('Invitation to %(name)s declined'), { name }),
  quiet: (/** @type {string | null} */ until) =>
    until === null
      ? gettext('Muted')
      : fill(gettext('Muted until %(time)s'), { time: dayAndClock(until) }),
  unreadBelow: gettext('Unread messages below'),
  unreadAbove: gettext('Unread messages above'),
};
