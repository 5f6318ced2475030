/**
 * Texts of messages and of the list that shows them.
 * @module
 */

import { counted, fill, gettext, ngettext, pgettext } from '../../realtime/lib/language.js';
import { enumerated, list } from '../lib/words.js';

export const words = {
  quoteDeleted: gettext('Deleted message'),
  quoteHidden: gettext('Hidden message'),
  quoteUnknown: gettext('Earlier message'),
  folded: gettext('Message from someone you blocked'),
  newMessages: (/** @type {number} */ count) =>
    counted('%(count)s new message', '%(count)s new messages', count),
  newest: gettext('Jump to latest'),
  said: (/** @type {string} */ who, /** @type {string} */ what) =>
    fill(gettext('%(who)s: %(what)s'), { who, what }),
  you: gettext('You'),

  sending: gettext('Sending…'),
  waiting: gettext("Will be sent when you're back online"),
  retrying: (/** @type {string} */ why) => fill(gettext('Not sent yet. %(why)s'), { why }),
  held: gettext('Waiting for a moderator. Until then, only you can see it.'),
  failed: (/** @type {string} */ why) => fill(gettext('Not sent. %(why)s'), { why }),

  deleteTitle: gettext('Delete this message?'),
  deleteText: gettext("Its text will be removed for everyone. You can't undo this."),
  removeText: gettext(
    'Its text will be hidden from everyone, and its author will be notified. Moderators can restore it.',
  ),
  delete: gettext('Delete'),
  reportMessage: gettext('Report this message'),
  reported: gettext('Report sent. A moderator will review the message.'),

  reactedWith: (/** @type {string[]} */ names, /** @type {string} */ emoji) =>
    fill(gettext('%(names)s reacted with %(emoji)s'), { names: list(names), emoji }),
  reactionLabel: (/** @type {string} */ emoji, /** @type {number} */ count) =>
    fill(ngettext('%(emoji)s, %(count)s reaction', '%(emoji)s, %(count)s reactions', count), {
      emoji,
      count,
    }),
  andOthers: (/** @type {number} */ count) => counted('%(count)s other', '%(count)s others', count),

  actions: gettext('Message actions'),
  whoReacted: gettext('Show who reacted'),

  read: pgettext('by the other person', 'Read'),
  readBy: (/** @type {string[]} */ names) =>
    fill(gettext('Read by %(names)s'), { names: enumerated(names) }),

  copyCode: gettext('Copy code'),
  copied: gettext('Copied'),
  copyCodeFailed: gettext("Couldn't copy. Select the code and copy it yourself."),
  pictureBroken: (/** @type {string} */ name) =>
    fill(gettext("%(name)s couldn't be loaded"), { name }),
};
