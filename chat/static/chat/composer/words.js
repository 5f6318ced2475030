/**
 * Texts of the composer, of its suggestions and of the emoji picker.
 * @module
 */

import { counted, fill, gettext, ngettext } from '../../realtime/lib/language.js';
import { duration } from '../lib/words.js';

export const words = {
  writeTo: (/** @type {string} */ name) => fill(gettext('Message %(name)s'), { name }),
  replyingTo: (/** @type {string} */ name) => fill(gettext('Replying to %(name)s'), { name }),
  editing: gettext('Editing your message'),
  editedGone: gettext('The message you were editing has been deleted.'),
  editKept: gettext('Your unsaved changes are kept. Edit that message again to continue.'),
  change: gettext('Change your message'),
  changedMeanwhile: gettext('Changed meanwhile on another page or device. The text is now:'),
  left: (/** @type {number} */ count) =>
    count >= 0
      ? counted('%(count)s character left', '%(count)s characters left', count)
      : counted(
          '%(count)s character over the limit',
          '%(count)s characters over the limit',
          -count,
        ),
  tooLong: (/** @type {number} */ over, /** @type {number} */ limit) =>
    fill(
      ngettext(
        'Your message is %(over)s character over the limit of %(limit)s. Shorten or split it.',
        'Your message is %(over)s characters over the limit of %(limit)s. Shorten or split it.',
        over,
      ),
      { over, limit },
    ),
  slowMode: (/** @type {number} */ seconds) =>
    fill(gettext('Slow mode: one message every %(time)s'), { time: duration(seconds) }),
  slowWait: (/** @type {number} */ seconds) =>
    fill(gettext('Slow mode: you can post again in %(time)s'), { time: duration(seconds) }),
  mutedNoMore: gettext('You can post again.'),

  people: gettext('People'),
  rooms: gettext('Rooms'),
  emoji: gettext('Emoji'),

  emojiGroups: {
    recent: gettext('Recently used'),
    smileys: gettext('Smileys'),
    people: gettext('People and body'),
    nature: gettext('Animals and nature'),
    food: gettext('Food and drink'),
    travel: gettext('Travel and places'),
    activities: gettext('Activities'),
    objects: gettext('Objects'),
    symbols: gettext('Symbols'),
    flags: gettext('Flags'),
  },
  emojiFailed: gettext("Couldn't load the other emoji. Try again when you're back online."),
};
