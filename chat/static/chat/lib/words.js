/**
 * Every word that the scripts say, and how they write times and counts. Words that never change
 * stand in the templates.
 * @module
 */

import { counted, fill, gettext, locale, ngettext, pgettext } from '../../realtime/lib/language.js';
import { habit } from '../../realtime/lib/time_text.js';

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(name, options) {
  let found = formats.get(name);
  if (!found) {
    const hours = options.hour || options.timeStyle ? habit() : {};
    found = new Intl.DateTimeFormat(locale(), { ...options, ...hours });
    formats.set(name, found);
  }
  return found;
}

/** @param {string} iso */
export const clock = (iso) =>
  format('clock', { hour: 'numeric', minute: '2-digit' }).format(new Date(iso));

/** @param {string} iso */
export const fullTime = (iso) =>
  format('full', { dateStyle: 'full', timeStyle: 'short' }).format(new Date(iso));

/** The reader's calendar day, as a key. @param {string} iso */
export function dayKey(iso) {
  const date = new Date(iso);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
}

/** @param {string} iso @param {Date} [now] */
export function dayName(iso, now = new Date()) {
  const key = dayKey(iso);
  if (key === dayKey(now.toISOString())) return gettext('Today');
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (key === dayKey(yesterday.toISOString())) return gettext('Yesterday');
  const date = new Date(iso);
  const sameYear = date.getFullYear() === now.getFullYear();
  return format(sameYear ? 'day' : 'day-year', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(date);
}

/** A day in full, as one writes it in a sentence. @param {string} iso */
export const dayOf = (iso) => format('date', { dateStyle: 'long' }).format(new Date(iso));

/** @param {string} iso */
export function dayAndClock(iso) {
  return fill(pgettext('a day and a time', '%(day)s, %(time)s'), {
    day: dayName(iso),
    time: clock(iso),
  });
}

const MOST_SHOWN = 99; // a badge is a glance, not a ledger

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
function list(names) {
  return new Intl.ListFormat(locale(), { type: 'conjunction' }).format(names);
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return counted('%(count)s second', '%(count)s seconds', whole);
  if (whole < 3600) return counted('%(count)s minute', '%(count)s minutes', Math.ceil(whole / 60));
  if (whole < 86_400) return counted('%(count)s hour', '%(count)s hours', Math.ceil(whole / 3600));
  return counted('%(count)s day', '%(count)s days', Math.ceil(whole / 86_400));
}

const COUNTED_DOWN_SECONDS = 3600; // a longer wait has an end on the clock
const MOST_NAMES = 3; // of people who type: a line has one line

export const words = {
  deleted: gettext('This message was deleted.'),
  quoteDeleted: gettext('a deleted message'),
  hidden: gettext('Hidden while moderators look at it.'),
  quoteHidden: gettext('a hidden message'),
  quoteUnknown: gettext('an earlier message'),
  unread: (/** @type {number} */ count) =>
    counted('%(count)s unread message', '%(count)s unread messages', count),
  newMessages: (/** @type {number} */ count) =>
    counted('%(count)s new message', '%(count)s new messages', count),
  newest: gettext('Newest'),
  said: (/** @type {string} */ who, /** @type {string} */ what) =>
    fill(gettext('%(who)s: %(what)s'), { who, what }),
  you: gettext('You'),
  pageTitle: (/** @type {number} */ unread, /** @type {string} */ title) =>
    unread > 0 ? `(${few(unread)}) ${title}` : title,

  // sending
  sending: gettext('Sending …'),
  waiting: gettext('Waiting for the network. It is sent as soon as you are connected.'),
  retrying: (/** @type {string} */ why) => fill(gettext('Not sent yet: %(why)s'), { why }),
  failed: (/** @type {string} */ why) => fill(gettext('Not sent. %(why)s'), { why }),

  // composer
  writeTo: (/** @type {string} */ name) => fill(gettext('Message %(name)s'), { name }),
  replyingTo: (/** @type {string} */ name) => fill(gettext('Replying to %(name)s'), { name }),
  editing: gettext('Editing your message'),
  editedGone: gettext('The message that you were editing has been deleted.'),
  left: (/** @type {number} */ count) =>
    count >= 0
      ? counted('%(count)s character left', '%(count)s characters left', count)
      : counted('%(count)s character too long', '%(count)s characters too long', -count),
  tooLong: (/** @type {number} */ over, /** @type {number} */ limit) =>
    fill(
      ngettext(
        'Not sent: it is %(over)s character longer than the %(limit)s that a message may have. Shorten it, or send it in parts.',
        'Not sent: it is %(over)s characters longer than the %(limit)s that a message may have. Shorten it, or send it in parts.',
        over,
      ),
      { over, limit },
    ),
  slowMode: (/** @type {number} */ seconds) =>
    fill(gettext('Slow mode: one message every %(time)s.'), { time: duration(seconds) }),
  slowWait: (/** @type {number} */ seconds) =>
    fill(gettext('Slow mode: you can send again in %(time)s.'), { time: duration(seconds) }),
  muted: (/** @type {string} */ until, now = Date.now()) => {
    const seconds = (Date.parse(until) - now) / 1000;
    if (seconds < COUNTED_DOWN_SECONDS)
      return fill(gettext('A moderator has muted you here. You can write again in %(time)s.'), {
        time: duration(seconds),
      });
    return fill(gettext('A moderator has muted you here until %(until)s. You can still read.'), {
      until: dayAndClock(until),
    });
  },
  mutedEverywhere: (/** @type {string} */ until, now = Date.now()) => {
    const seconds = (Date.parse(until) - now) / 1000;
    if (seconds < COUNTED_DOWN_SECONDS)
      return fill(
        gettext('A moderator has muted you in all rooms. You can write again in %(time)s.'),
        { time: duration(seconds) },
      );
    return fill(
      gettext('A moderator has muted you in all rooms until %(until)s. You can still read.'),
      { until: dayAndClock(until) },
    );
  },
  mutedNoMore: gettext('You can write again.'),
  readOnly: gettext('This room is read only. Its owners and moderators can write.'),
  archived: gettext('This room is archived. It can be read, and nothing new is written.'),
  notMember: gettext('You are reading a public room. Join it to write.'),
  removed: gettext('You are no longer a member of this room.'),
  banned: gettext('You have been banned from this room.'),
  bannedUntil: (/** @type {string} */ until) =>
    fill(gettext('You have been banned from this room until %(time)s.'), {
      time: dayAndClock(until),
    }),

  // typing
  typing: (/** @type {string[]} */ names) => {
    if (names.length === 0) return '';
    if (names.length > MOST_NAMES) return gettext('Several people are typing …');
    return names.length === 1
      ? fill(gettext('%(name)s is typing …'), { name: names[0] })
      : fill(gettext('%(names)s are typing …'), { names: list(names) });
  },

  // connection
  connectionLive: gettext('Connected'),
  connecting: gettext('Connecting …'),
  reconnectingIn: (/** @type {number} */ seconds) =>
    fill(gettext('Reconnecting in %(seconds)s s'), { seconds }),
  reconnecting: gettext('Reconnecting …'),
  offline: gettext('You are offline. What you write is kept and sent later.'),
  offlineShort: gettext('Offline'),
  deploying: (/** @type {number} */ seconds) =>
    fill(gettext('The server restarts. Back in %(seconds)s s'), { seconds }),
  sessionDoubted: gettext('Looking whether you are still signed in …'),
  signedOut: gettext('You have been signed out.'),
  siteBanned: gettext('You have been banned.'),
  deactivated: gettext('Your account has been deactivated.'),
  tooManyConnections: gettext(
    'Holdfast is open in too many windows. Close some and reload this one.',
  ),
  stopped: (/** @type {string} */ reason) =>
    fill(gettext('The connection was closed. %(reason)s'), { reason }).trim(),
  stoppedShort: gettext('Not connected'),

  // members
  roles: { owner: gettext('Owner'), moderator: gettext('Moderator'), member: '' },
  here: (/** @type {number} */ count) => fill(gettext('Here now · %(count)s'), { count }),
  notHere: (/** @type {number} */ count) => fill(gettext('Others · %(count)s'), { count }),
  owners: (/** @type {number} */ count) => fill(gettext('Owners · %(count)s'), { count }),
  moderators: (/** @type {number} */ count) => fill(gettext('Moderators · %(count)s'), { count }),
  hereOf: (/** @type {number} */ here, /** @type {number} */ all) =>
    fill(gettext('%(here)s of %(all)s here'), { here, all }),
  notInRoom: gettext('Not in this room'),
  accountClosed: gettext('This account is closed'),
  memberSince: (/** @type {string} */ day) => fill(gettext('Member since %(day)s'), { day }),
  present: gettext('here now'),
  absent: gettext('not here'),
  mutedUntil: (/** @type {string} */ until) =>
    fill(gettext('Muted until %(time)s'), { time: clock(until) }),
  directMessage: gettext('Direct message'),
  message: gettext('Message'),
  mention: gettext('Mention'),
  block: gettext('Block'),
  unblock: gettext('Unblock'),
  unblockPerson: (/** @type {string} */ name) => fill(gettext('Unblock %(name)s'), { name }),
  transfer: gettext('Give them this room …'),
  makeOwner: gettext('Make owner'),
  makeModerator: gettext('Make moderator'),
  makeMember: gettext('Make member'),
  mute: gettext('Mute …'),
  unmute: gettext('Unmute'),
  remove: gettext('Remove from the room …'),
  ban: gettext('Ban from the room …'),
  siteMute: gettext('Mute in all rooms …'),
  siteBan: gettext('Ban from the site …'),
  siteMuted: (/** @type {string} */ name) =>
    fill(gettext('%(name)s is muted in all rooms'), { name }),
  siteBannedOther: (/** @type {string} */ name) =>
    fill(gettext('%(name)s is banned from the site'), { name }),
  actionsFor: (/** @type {string} */ name) => fill(gettext('Actions for %(name)s'), { name }),

  // asking
  deleteTitle: gettext('Delete this message?'),
  deleteText: gettext(
    'Its text is gone for everybody, at once and for good. A mark stays where it was.',
  ),
  delete: gettext('Delete'),
  muteTitle: (/** @type {string} */ name) => fill(gettext('Mute %(name)s'), { name }),
  muteText: gettext('They can read, and not write, until the time is over.'),
  muteDo: gettext('Mute'),
  removeTitle: (/** @type {string} */ name) =>
    fill(gettext('Remove %(name)s from this room?'), { name }),
  removeText: gettext('They can be added again, or join again if the room is public.'),
  removeDo: gettext('Remove'),
  banTitle: (/** @type {string} */ name) => fill(gettext('Ban %(name)s from this room?'), { name }),
  banText: gettext('They are out at once and cannot come back until the ban is over.'),
  banDo: gettext('Ban'),
  blockTitle: (/** @type {string} */ name) => fill(gettext('Block %(name)s?'), { name }),
  blockText: gettext(
    'Their messages are folded for you, they notify you no more, and they cannot write to you. They are not told.',
  ),
  transferTitle: (/** @type {string} */ name) =>
    fill(gettext('Give this room to %(name)s?'), { name }),
  transferText: gettext('They become its owner, and you a moderator. Only they can give it back.'),
  transferDo: gettext('Give the room away'),
  siteMuteTitle: (/** @type {string} */ name) =>
    fill(gettext('Mute %(name)s in all rooms'), { name }),
  siteMuteText: gettext(
    'They can read, and not write, anywhere on this site, until the time is over.',
  ),
  siteBanTitle: (/** @type {string} */ name) =>
    fill(gettext('Ban %(name)s from the site?'), { name }),
  siteBanText: gettext(
    'They are out at once, on all their devices, and cannot come back until the ban is over. What they wrote stays.',
  ),
  leaveTitle: (/** @type {string} */ name) => fill(gettext('Leave %(name)s?'), { name }),
  leaveText: gettext('It disappears from your list. You can join a public room again at any time.'),
  leaveDo: gettext('Leave'),
  writeToSomebody: gettext('Write to somebody'),
  addPeople: gettext('Add people to this room'),
  nobodyFound: gettext('Nobody by that name.'),

  // sidebar
  mentions: (/** @type {number} */ count) =>
    counted('%(count)s mention', '%(count)s mentions', count),
  markRead: gettext('Mark as read'),
  markAllRead: gettext('Mark all rooms as read'),
  allRead: gettext('Everything is read'),
  addFavourite: gettext('Add to favourites'),
  removeFavourite: gettext('Remove from favourites'),
  moveUp: gettext('Move up'),
  moveDown: gettext('Move down'),

  // going somewhere
  found: (/** @type {number} */ count) =>
    count === 0 ? gettext('Nothing found') : counted('%(count)s found', '%(count)s found', count),
  searchFor: (/** @type {string} */ typed) =>
    fill(gettext('Search messages for “%(typed)s”'), { typed }),
  pages: {
    inbox: gettext('Inbox'),
    search: gettext('Search messages'),
    directory: gettext('Browse rooms'),
    newRoom: gettext('New room'),
    settings: gettext('Your account and settings'),
    shortcuts: gettext('Keyboard shortcuts'),
  },
  noTopic: gettext('No topic yet'),
  joinRoom: (/** @type {string} */ name) => fill(gettext('Join %(name)s'), { name }),

  // shortcuts
  shortcutGroups: {
    going: gettext('Going somewhere'),
    reading: gettext('Reading'),
    writing: gettext('Writing a message'),
    message: gettext('On a message'),
    inbox: gettext('In the inbox'),
    help: gettext('Help'),
  },
  shortcuts: {
    switch: gettext('Go to a room, a person or a page'),
    search: gettext('Search messages'),
    previous: gettext('Room above'),
    next: gettext('Room below'),
    previousUnread: gettext('Unread room above'),
    nextUnread: gettext('Unread room below'),
    markRead: gettext('Mark this room as read'),
    markAllRead: gettext('Mark all rooms as read'),
    send: gettext('Send'),
    newLine: gettext('Start a new line'),
    bold: gettext('Bold'),
    italic: gettext('Italic'),
    code: gettext('Code'),
    editLast: gettext('Edit your last message'),
    otherMessage: gettext('Message above or below'),
    reply: gettext('Reply'),
    react: gettext('React'),
    edit: gettext('Edit'),
    markUnread: gettext('Mark unread from here'),
    profile: gettext('Show who wrote it'),
    delete: gettext('Delete'),
    nextNotice: gettext('Notification below'),
    previousNotice: gettext('Notification above'),
    archive: gettext('Archive'),
    toggleRead: gettext('Read or unread'),
    undo: gettext('Undo'),
    help: gettext('Show all shortcuts'),
  },
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

  // blocking
  folded: gettext('A message of somebody you blocked'),
  iBlocked: (/** @type {string} */ name) =>
    fill(gettext('You have blocked %(name)s. Lift the block to write again.'), { name }),
  blocked: (/** @type {string} */ name) => fill(gettext('%(name)s is blocked'), { name }),
  unblocked: (/** @type {string} */ name) =>
    fill(gettext('%(name)s is blocked no longer'), { name }),

  // room settings
  archiveTitle: gettext('Archive this room'),
  archiveText: gettext('It leaves everybody’s list. It can be read, and nothing new is written.'),
  archiveDo: gettext('Archive'),
  archiveQuestion: (/** @type {string} */ name) => fill(gettext('Archive %(name)s?'), { name }),
  archivedDone: gettext('The room is archived.'),
  unarchiveTitle: gettext('This room is archived'),
  unarchiveText: gettext('Bring it back, and its members can write again.'),
  unarchiveDo: gettext('Bring it back'),
  unarchivedDone: gettext('The room is back.'),
  inviteByLink: gettext('Invite by link'),
  linkUses: (/** @type {number} */ uses, /** @type {number} */ most) =>
    fill(gettext('%(uses)s of %(most)s have joined'), { uses, most }),
  linkUntil: (/** @type {string} */ time) => fill(gettext('until %(time)s'), { time }),
  linkBy: (/** @type {string} */ name) => fill(gettext('by %(name)s'), { name }),

  // room menu
  roomSettings: gettext('Room settings'),
  copyRoomLink: gettext('Copy link to the room'),
  leave: gettext('Leave the room'),
  involvement: {
    everything: gettext('Notify me of everything'),
    mentions: gettext('Notify me of mentions'),
    nothing: gettext('Notify me of nothing'),
  },

  // reactions
  reactedWith: (/** @type {string[]} */ names, /** @type {string} */ emoji) =>
    fill(gettext('%(names)s reacted with %(emoji)s'), { names: list(names), emoji }),
  reactionLabel: (/** @type {string} */ emoji, /** @type {number} */ count) =>
    fill(ngettext('%(emoji)s, %(count)s reaction', '%(emoji)s, %(count)s reactions', count), {
      emoji,
      count,
    }),
  andOthers: (/** @type {number} */ count) =>
    counted('%(count)s other person', '%(count)s other people', count),

  // inbox
  inboxUnread: (/** @type {number} */ count) =>
    count === 0
      ? gettext('Everything is read')
      : counted('%(count)s unread', '%(count)s unread', count),

  // search
  messagesFound: (/** @type {number} */ count) =>
    count === 0
      ? gettext('Nothing found')
      : counted('%(count)s message found', '%(count)s messages found', count),
  searchFailed: gettext('The search did not get through. Try again when the connection is back.'),

  // completion
  people: gettext('People'),
  rooms: gettext('Rooms'),
  emoji: gettext('Emoji'),

  // emoji
  emojiGroups: {
    recent: gettext('Used lately'),
    smileys: gettext('Faces'),
    people: gettext('People and gestures'),
    nature: gettext('Animals and nature'),
    food: gettext('Food and drink'),
    travel: gettext('Travel and places'),
    activities: gettext('Activities'),
    objects: gettext('Things'),
    symbols: gettext('Symbols'),
    flags: gettext('Flags'),
  },
  emojiFailed: gettext(
    'The other emoji could not be loaded. Try again when the connection is back.',
  ),

  // code and images
  copyCode: gettext('Copy code'),
  copied: gettext('Copied'),
  copyCodeFailed: gettext(
    'The browser did not allow copying. Select the code and copy it by hand.',
  ),
  pictureBroken: (/** @type {string} */ name) =>
    fill(gettext('%(name)s could not be loaded'), { name }),

  // small news
  linkCopied: gettext('Link copied'),
  copyFailed: gettext('The browser did not allow copying. The address is in the address bar.'),
  reported: gettext('Thank you. A moderator will look at it.'),
  invited: (/** @type {string} */ name) => fill(gettext('%(name)s has been added'), { name }),
  saved: gettext('Saved'),
  joined: (/** @type {string} */ name) => fill(gettext('Welcome to %(name)s'), { name }),
};
