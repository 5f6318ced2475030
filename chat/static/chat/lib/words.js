/**
 * How the scripts write times, counts and names, and the texts that several folders share. The
 * texts of one folder are in its own words.js; texts that never change are in the templates.
 * @module
 */

import { counted, fill, gettext, locale, ngettext, pgettext } from '../../realtime/lib/language.js';
import { serverNow } from '../../realtime/lib/server_clock.js';
import { chosenClock, habit } from '../../realtime/lib/time_text.js';

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(name, options) {
  const key = `${name} ${chosenClock()}`;
  let found = formats.get(key);
  if (!found) {
    const hours = options.hour || options.timeStyle ? habit() : {};
    found = new Intl.DateTimeFormat(locale(), { ...options, ...hours });
    formats.set(key, found);
  }
  return found;
}

/** @param {string} iso */
export const clock = (iso) => format('clock', { timeStyle: 'short' }).format(new Date(iso));

/** @param {string} iso */
export const fullTime = (iso) =>
  format('full', { dateStyle: 'full', timeStyle: 'short' }).format(new Date(iso));

/** The reader's calendar day, as a key. @param {string} iso */
export function dayKey(iso) {
  const date = new Date(iso);
  const month = String(date.getMonth() + 1).padStart(2, '0');
  const day = String(date.getDate()).padStart(2, '0');
  return `${date.getFullYear()}-${month}-${day}`;
}

/** @param {string} iso @param {Date} [now] */
export function dayName(iso, now = new Date(serverNow())) {
  const key = dayKey(iso);
  if (key === dayKey(now.toISOString())) return gettext('Today');
  if (key === dayKey(daysFrom(now, -1))) return gettext('Yesterday');
  if (key === dayKey(daysFrom(now, 1))) return gettext('Tomorrow');
  const date = new Date(iso);
  const sameYear = date.getFullYear() === now.getFullYear();
  return format(sameYear ? 'day' : 'day-year', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(date);
}

/** @param {Date} now @param {number} days */
function daysFrom(now, days) {
  const day = new Date(now);
  day.setDate(now.getDate() + days);
  return day.toISOString();
}

/** A date within a sentence. @param {string} iso */
export const dayOf = (iso) => format('date', { dateStyle: 'long' }).format(new Date(iso));

/** @param {string} iso */
export function dayAndClock(iso) {
  return fill(pgettext('a day and a time', '%(day)s, %(time)s'), {
    day: dayName(iso),
    time: clock(iso),
  });
}

const MOST_SHOWN = 99; // more digits do not fit into a badge

/** @param {number} count */
export const few = (count) => (count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count));

/** @param {string} name */
export function initials(name) {
  const words = name
    .replaceAll(/[_.]/g, ' ')
    .split(/\s+/)
    .filter((word) => /^[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) return '?';
  const first = [...words[0]][0];
  return words.length > 1 ? first + [...words[words.length - 1]][0] : first;
}

/** @param {string[]} names */
export function list(names) {
  return new Intl.ListFormat(locale(), { type: 'conjunction' }).format(names);
}

/**
 * Several names as one title (chat/text/people_names.py does the same).
 * @param {string[]} names
 */
export function enumerated(names) {
  const [first, second, third] = names;
  if (names.length === 1) return first;
  if (names.length === 2) return fill(gettext('%(first)s and %(second)s'), { first, second });
  if (names.length === 3)
    return fill(gettext('%(first)s, %(second)s and %(third)s'), { first, second, third });
  const count = names.length - 2;
  return fill(
    ngettext(
      '%(first)s, %(second)s and %(count)s other',
      '%(first)s, %(second)s and %(count)s others',
      count,
    ),
    { first, second, count },
  );
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return counted('%(count)s second', '%(count)s seconds', whole);
  if (whole < 3600) return counted('%(count)s minute', '%(count)s minutes', Math.ceil(whole / 60));
  if (whole < 86_400) return counted('%(count)s hour', '%(count)s hours', Math.ceil(whole / 3600));
  return counted('%(count)s day', '%(count)s days', Math.ceil(whole / 86_400));
}

/** Texts that more than one folder uses. */
export const common = {
  noFiles: gettext('Holdfast takes no files. Put the file on the web and send its link.'),
  deleted: gettext('This message was deleted.'),
  hidden: gettext('Hidden until a moderator has reviewed it.'),
  unread: (/** @type {number} */ count) =>
    counted('%(count)s unread message', '%(count)s unread messages', count),
  mentions: (/** @type {number} */ count) =>
    counted('%(count)s mention', '%(count)s mentions', count),
  found: (/** @type {number} */ count) =>
    count === 0 ? gettext('No results') : counted('%(count)s result', '%(count)s results', count),
  nobodyFound: gettext('No one found'),
  noneChosen: gettext('Choose at least one person.'),
  enoughChosen: gettext('A group conversation has at most 9 people. Remove someone first.'),
  added: (/** @type {string} */ name) => fill(gettext('%(name)s added'), { name }),
  removed: (/** @type {string} */ name) => fill(gettext('%(name)s removed'), { name }),
  remove: (/** @type {string} */ name) => fill(gettext('Remove %(name)s'), { name }),
  actionsFor: (/** @type {string} */ name) => fill(gettext('Actions for %(name)s'), { name }),
  directMessage: gettext('Direct message'),
  groupConversation: gettext('Group conversation'),
  keyName: (/** @type {string} */ key, /** @type {boolean} */ mac) =>
    ({
      mod: mac ? '⌘' : pgettext('a key', 'Ctrl'),
      alt: mac ? '⌥' : pgettext('a key', 'Alt'),
      shift: mac ? '⇧' : pgettext('a key', 'Shift'),
      enter: pgettext('a key', 'Enter'),
      escape: pgettext('a key', 'Esc'),
      delete: pgettext('a key', 'Del'),
      arrowup: '↑',
      arrowdown: '↓',
    })[key] ?? key.toUpperCase(),
};

/** Texts of the list of keyboard shortcuts (shortcuts_view.js). */
export const shortcutWords = {
  groups: {
    going: gettext('Navigation'),
    reading: gettext('Reading'),
    writing: gettext('Writing a message'),
    message: gettext('On a message'),
    inbox: gettext('In the inbox'),
    help: gettext('Help'),
  },
  names: {
    switch: gettext('Go to a room, person or page'),
    search: gettext('Search messages'),
    previous: gettext('Previous room'),
    next: gettext('Next room'),
    previousUnread: gettext('Previous unread room'),
    nextUnread: gettext('Next unread room'),
    markRead: gettext('Mark this room as read'),
    markAllRead: gettext('Mark all rooms as read'),
    send: gettext('Send'),
    newLine: gettext('Start a new line'),
    bold: gettext('Bold'),
    italic: gettext('Italic'),
    code: gettext('Code'),
    editLast: gettext('Edit your last message'),
    nextRegion: gettext('Next part of the page'),
    previousRegion: gettext('Previous part of the page'),
    otherMessage: gettext('Previous or next message'),
    actions: gettext('All actions'),
    reply: gettext('Reply'),
    react: gettext('Add reaction'),
    edit: gettext('Edit'),
    markUnread: gettext('Mark as unread from here'),
    profile: gettext("Show the author's profile"),
    delete: gettext('Delete'),
    nextNotice: gettext('Next notification'),
    previousNotice: gettext('Previous notification'),
    archive: gettext('Archive'),
    toggleRead: gettext('Mark as read or unread'),
    undo: gettext('Undo'),
    help: gettext('Show all shortcuts'),
  },
};
