/**
 * Texts about the end of a session.
 * @module
 */

import { counted, gettext } from '../../realtime/lib/language.js';

export const words = {
  /** @param {import('./personal_data.js').Unsent} unsent */
  unsent: ({ drafts, entries }) =>
    [messages(entries.length), written(Object.keys(drafts).length)].filter(Boolean).join(' '),
  signOut: gettext('Sign out?'),
  deletedBySignOut: gettext('Signing out deletes what you have not sent.'),
  signOutDelete: gettext('Sign out and delete'),
  cancel: gettext('Cancel'),
  signedOut: gettext("You've been signed out."),
  keepUnsent: gettext('Do you want to keep it in this browser until you sign in again?'),
  keep: gettext('Keep'),
  deleteUnsent: gettext('Delete'),
};

/** @param {number} count */
const messages = (count) =>
  count > 0
    ? counted('You have %(count)s unsent message.', 'You have %(count)s unsent messages.', count)
    : '';

/** @param {number} count */
const written = (count) =>
  count > 0 ? counted('You have %(count)s draft.', 'You have %(count)s drafts.', count) : '';
