/**
 * What the bell and the banner say.
 * @module
 */

import { fill, gettext } from '../realtime/language.js';

const MOST_SHOWN = 99; // a badge is a glance, not a ledger

/** @param {number} unread */
export const bellCount = (unread) => (unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread));

/** @param {number} unread */
export const bellLabel = (unread) => (unread === 0 ? gettext('Inbox') : fill(gettext('Inbox, %(count)s unread'), { count: unread }));
