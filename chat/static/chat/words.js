/**
 * Every word that the scripts say, and how they write times and counts. Words that never change stand in the templates.
 * @module
 */

const language = () => globalThis.document?.documentElement.lang || undefined;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 * @param {string} [locale]
 */
function format(name, options, locale = language()) {
  let found = formats.get(name);
  if (!found) formats.set(name, (found = new Intl.DateTimeFormat(locale, options)));
  return found;
}

/** @param {number} count @param {string} one @param {string} many */
const plural = (count, one, many) => (count === 1 ? one : many).replace('%', String(count));

/** As the reader's own system writes it: 15:04 or 3:04 PM is a habit, not a language. @param {string} iso */
export const clock = (iso) => format('clock', { hour: 'numeric', minute: '2-digit' }, globalThis.navigator?.language).format(new Date(iso));

/** @param {string} iso */
export const fullTime = (iso) => format('full', { dateStyle: 'full', timeStyle: 'short' }).format(new Date(iso));

/** The reader's calendar day, as a key. @param {string} iso */
export function dayKey(iso) {
  const date = new Date(iso);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
}

/** @param {string} iso @param {Date} [now] */
export function dayName(iso, now = new Date()) {
  const key = dayKey(iso);
  if (key === dayKey(now.toISOString())) return 'Today';
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (key === dayKey(yesterday.toISOString())) return 'Yesterday';
  const date = new Date(iso);
  const sameYear = date.getFullYear() === now.getFullYear();
  return format(sameYear ? 'day' : 'day-year', { weekday: 'long', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' }) }).format(date);
}

/** @param {string} iso */
export function dayAndClock(iso) {
  return `${dayName(iso)}, ${clock(iso)}`;
}

const MOST_SHOWN = 99; // a badge is a glance, not a ledger

/** @param {number} count */
export const few = (count) => (count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count));

/** @param {string} name */
export function initials(name) {
  const words = name.replaceAll(/[_.]/g, ' ').split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) return '?';
  const first = [...words[0]][0];
  return words.length > 1 ? first + [...words[words.length - 1]][0] : first;
}

/** @param {string[]} names */
function list(names) {
  return new Intl.ListFormat(language(), { type: 'conjunction' }).format(names);
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return plural(whole, '% second', '% seconds');
  if (whole < 3600) return plural(Math.ceil(whole / 60), '% minute', '% minutes');
  if (whole < 86_400) return plural(Math.ceil(whole / 3600), '% hour', '% hours');
  return plural(Math.ceil(whole / 86_400), '% day', '% days');
}

const MOST_NAMES = 3; // of people who type: a line has one line

export const words = {
  deleted: 'This message was deleted.',
  quoteDeleted: 'a deleted message',
  quoteUnknown: 'an earlier message',
  unread: (/** @type {number} */ count) => plural(count, '% unread message', '% unread messages'),
  newMessages: (/** @type {number} */ count) => plural(count, '% new message', '% new messages'),
  newest: 'Newest',
  said: (/** @type {string} */ who, /** @type {string} */ what) => `${who}: ${what}`,
  you: 'You',
  pageTitle: (/** @type {number} */ unread, /** @type {string} */ title) => (unread > 0 ? `(${few(unread)}) ${title}` : title),

  // sending
  sending: 'Sending …',
  waiting: 'Waiting for the network. It is sent as soon as you are connected.',
  retrying: (/** @type {string} */ why) => `Not sent yet: ${why}`,
  failed: (/** @type {string} */ why) => `Not sent. ${why}`,

  // composer
  writeTo: (/** @type {string} */ name) => `Message ${name}`,
  replyingTo: (/** @type {string} */ name) => `Replying to ${name}`,
  editing: 'Editing your message',
  editedGone: 'The message that you were editing has been deleted.',
  left: (/** @type {number} */ count) => (count >= 0 ? plural(count, '% character left', '% characters left') : plural(-count, '% character too long', '% characters too long')),
  slowMode: (/** @type {number} */ seconds) => `Slow mode: one message every ${duration(seconds)}.`,
  slowWait: (/** @type {number} */ seconds) => `Slow mode: you can send again in ${duration(seconds)}.`,
  muted: (/** @type {string} */ until) => `A moderator has muted you here until ${dayAndClock(until)}. You can still read.`,
  readOnly: 'This room is read only. Its owners and moderators can write.',
  archived: 'This room is archived. It can be read, and nothing new is written.',
  notMember: 'You are reading a public room. Join it to write.',
  removed: 'You are no longer a member of this room.',
  banned: 'You have been banned from this room.',

  // typing
  typing: (/** @type {string[]} */ names) => {
    if (names.length === 0) return '';
    if (names.length > MOST_NAMES) return 'Several people are typing …';
    return names.length === 1 ? `${names[0]} is typing …` : `${list(names)} are typing …`;
  },

  // connection
  connectionLive: 'Connected',
  connecting: 'Connecting …',
  reconnectingIn: (/** @type {number} */ seconds) => `Reconnecting in ${seconds} s`,
  reconnecting: 'Reconnecting …',
  offline: 'You are offline. What you write is kept and sent later.',
  offlineShort: 'Offline',
  deploying: (/** @type {number} */ seconds) => `The server restarts. Back in ${seconds} s`,
  sessionDoubted: 'Looking whether you are still signed in …',
  signedOut: 'You have been signed out.',
  siteBanned: (/** @type {string} */ reason) => `You have been banned. ${reason}`.trim(),
  tooManyConnections: 'Holdfast is open in too many windows. Close some and reload this one.',
  stopped: (/** @type {string} */ reason) => `The connection was closed. ${reason}`.trim(),
  stoppedShort: 'Not connected',

  // members
  roles: { owner: 'Owner', moderator: 'Moderator', member: '' },
  here: (/** @type {number} */ count) => `Here now · ${count}`,
  notHere: (/** @type {number} */ count) => `Others · ${count}`,
  present: 'here now',
  absent: 'not here',
  mutedUntil: (/** @type {string} */ until) => `Muted until ${clock(until)}`,
  directMessage: 'Direct message',
  makeOwner: 'Make owner',
  makeModerator: 'Make moderator',
  makeMember: 'Make member',
  mute: 'Mute …',
  unmute: 'Unmute',
  remove: 'Remove from the room …',
  ban: 'Ban from the room …',
  actionsFor: (/** @type {string} */ name) => `Actions for ${name}`,

  // asking
  deleteTitle: 'Delete this message?',
  deleteText: 'Its text is gone for everybody, at once and for good. A mark stays where it was.',
  delete: 'Delete',
  muteTitle: (/** @type {string} */ name) => `Mute ${name}`,
  muteText: 'They can read, and not write, until the time is over.',
  muteDo: 'Mute',
  removeTitle: (/** @type {string} */ name) => `Remove ${name} from this room?`,
  removeText: 'They can be added again, or join again if the room is public.',
  removeDo: 'Remove',
  banTitle: (/** @type {string} */ name) => `Ban ${name} from this room?`,
  banText: 'They are out at once and cannot come back until the ban is lifted.',
  banDo: 'Ban',
  leaveTitle: (/** @type {string} */ name) => `Leave ${name}?`,
  leaveText: 'It disappears from your list. You can join a public room again at any time.',
  leaveDo: 'Leave',
  writeToSomebody: 'Write to somebody',
  addPeople: 'Add people to this room',
  nobodyFound: 'Nobody by that name.',

  // room menu
  roomSettings: 'Room settings',
  copyRoomLink: 'Copy link to the room',
  leave: 'Leave the room',
  involvement: {
    everything: 'Notify me of everything',
    mentions: 'Notify me of mentions',
    nothing: 'Notify me of nothing',
  },

  // reactions
  reactedWith: (/** @type {string[]} */ names, /** @type {string} */ emoji) => `${list(names)} reacted with ${emoji}`,
  reactionLabel: (/** @type {string} */ emoji, /** @type {number} */ count) => plural(count, `${emoji}, % reaction`, `${emoji}, % reactions`),
  andOthers: (/** @type {number} */ count) => plural(count, '% other person', '% other people'),

  // inbox
  inboxUnread: (/** @type {number} */ count) => (count === 0 ? 'Everything is read' : plural(count, '% unread', '% unread')),

  // small news
  linkCopied: 'Link copied',
  copyFailed: 'The browser did not allow copying. The address is in the address bar.',
  reported: 'Thank you. A moderator will look at it.',
  invited: (/** @type {string} */ name) => `${name} has been added`,
  saved: 'Saved',
  joined: (/** @type {string} */ name) => `Welcome to ${name}`,
};
