/**
 * One message in the page: fills the slots of chat/_message.html, rendered by the server or cloned
 * from a template.
 * @module
 */

import { enhanceCode } from '../code/blocks.js';
import { clone, parsePart, setAvatar, setSanitised, setText, slot } from '../lib/dom.js';
import { clock, common, fullTime } from '../lib/words.js';
import { isGone } from '../rooms/rights.js';
import { showPictures } from './pictures.js';
import { linkRooms } from './room_links.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').User} User
 *
 * @typedef {object} Message As on the wire (docs/protocol.md §5); in the outbox, it has no
 *   id and no number yet.
 * @property {number} [id]
 * @property {number} [number]
 * @property {number} [seq]
 * @property {User} author
 * @property {string} [key]  chosen by the sender: their page recognises the message by it
 * @property {string} body
 * @property {string} [html]
 * @property {string} created_at
 * @property {string | null} edited_at
 * @property {string | null} deleted_at
 * @property {string} [hidden_at]  while moderators review it
 * @property {number | null} reply_to
 * @property {Record<string, number[]>} reactions
 * @property {number[]} mentions
 *
 * @typedef {object} MessageContext  The page, as a message needs it.
 * @property {User} me
 * @property {(userId: number) => string} nameOf
 * @property {(messageId: number) => Message | null} quoted
 * @property {(number: number) => string} permalink
 * @property {import('./room_links.js').FindRoom} [room]
 * @property {(message: Message) => boolean} [isFolded]  its author is blocked, and the user has
 *   not expanded it
 * @property {(messageId: number) => boolean} [isEdited]  the user is changing it
 * @property {(userId: number) => string} [badge]  the role that is shown beside the name
 */

export const SYSTEM_USERNAME = 'holdfast';
/** In characters; a click shows the rest. */
const QUOTE_LENGTH = 200;
/** In the tooltip of a reaction. */
const MAX_NAMES = 8;

/**
 * The HTML that each body shows. A reaction must not rebuild the body, because it may have the
 * focus or a selection.
 * @type {WeakMap<Element, string>}
 */
const painted = new WeakMap();

/** @returns {HTMLElement} */
export const newMessageElement = () => clone('message-template');

/**
 * @param {HTMLElement} element
 * @param {Message} message
 * @param {MessageContext} context
 */
export function paintMessage(element, message, context) {
  const gone = isGone(message);
  element.dataset.message = String(message.id ?? '');
  element.dataset.number = String(message.number ?? '');
  element.classList.toggle('message--deleted', gone);
  element.classList.toggle('message--edited-now', context.isEdited?.(message.id ?? 0) ?? false);
  element.dataset.author = String(message.author.id);
  element.classList.toggle('message--folded', context.isFolded?.(message) ?? false);
  element.classList.toggle('message--system', message.author.username === SYSTEM_USERNAME);
  element.classList.toggle(
    'message--mentions-me',
    !gone && message.mentions.includes(context.me.id),
  );
  setAvatar(element, message.author);
  setText(element, 'author', message.author.name);
  setText(element, 'handle', handle(message.author));
  setText(element, 'badge', context.badge?.(message.author.id) ?? '');
  paintTime(slot(element, 'time'), message, context);
  paintBody(slot(element, 'body'), message, context);
  const edited = slot(element, 'edited');
  edited.hidden = gone || message.edited_at === null;
  edited.title = message.edited_at ? fullTime(message.edited_at) : '';
  paintQuote(element, message, context);
  paintReactions(slot(element, 'reactions'), gone ? {} : message.reactions, context);
  nameMessage(element);
  if (!element.contains(document.activeElement)) reach(element, false);
}

/** In the order in which a screen reader names a message. */
const NAME = ['author', 'badge', 'time', 'quote', 'body', 'edited', 'state'];
let named = 0;

/**
 * A message is named by its author, time, text and state, also where it follows another one of its
 * author and does not show them.
 * @param {HTMLElement} element
 */
export function nameMessage(element) {
  const parts = element.classList.contains('message--folded')
    ? [element.querySelector('.message__fold-one')]
    : NAME.map((name) => element.querySelector(`[data-slot="${name}"]`));
  const shown = /** @type {HTMLElement[]} */ (parts).filter((part) => part && !part.hidden);
  for (const part of shown) {
    if (part.id) continue;
    named += 1;
    part.id = `message-part-${named}`;
  }
  element.setAttribute('aria-labelledby', shown.map(({ id }) => id).join(' '));
}

/**
 * The Tab key reaches the links and buttons of the message that has the focus only, so that all
 * messages are one stop on the way through the page.
 * @param {HTMLElement} element
 * @param {boolean} isReached
 */
export function reach(element, isReached) {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (
    element.querySelectorAll('a[href], button:not(.message__author), summary')
  ))
    each.tabIndex = isReached ? 0 : -1;
}

// Alternatives of one character and no nested repetition, so that no text takes long.
const EMOJI_ONLY =
  /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\s)+$/u;
/** More of them are a picture of their own, at the size of text. */
const MAX_LARGE_EMOJI = 40; // UTF-16 units

/** @param {string} text */
const isEmojiOnly = (text) => text.length <= MAX_LARGE_EMOJI && EMOJI_ONLY.test(text);

/** The username beside the displayed name, which others may have as well. @param {User} author */
function handle({ username, name }) {
  return username === name || username === SYSTEM_USERNAME ? '' : `@${username}`;
}

/** Write the times of messages anew. @param {HTMLElement} list */
export function paintClocks(list) {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (
    list.querySelectorAll('.message__time time')
  ))
    paintClock(time, time.dateTime);
}

/** @param {HTMLTimeElement} time @param {string} at */
function paintClock(time, at) {
  time.dateTime = at;
  time.textContent = clock(at);
  time.title = fullTime(at);
}

/**
 * @param {HTMLElement} link
 * @param {Message} message
 * @param {MessageContext} context
 */
function paintTime(link, message, context) {
  paintClock(/** @type {HTMLTimeElement} */ (link.firstElementChild), message.created_at);
  if (message.number) link.setAttribute('href', context.permalink(message.number));
  else link.removeAttribute('href');
}

/**
 * @param {HTMLElement} body
 * @param {Message} message
 * @param {MessageContext} context
 */
function paintBody(body, message, context) {
  const rendered = !isGone(message) && Boolean(message.html);
  const text = isGone(message)
    ? message.deleted_at === null
      ? common.hidden
      : common.deleted
    : message.body;
  const shown = rendered ? `html ${message.html}` : `text ${text}`;
  if (painted.get(body) === shown) return;
  painted.set(body, shown);
  body.classList.toggle('prose', rendered);
  body.classList.toggle('message__body--emoji', !rendered && isEmojiOnly(text));
  if (rendered) setSanitised(body, /** @type {string} */ (message.html));
  else body.textContent = text;
  if (!isGone(message) && context.room) linkRooms(body, context.room);
  enhanceCode(body);
  showPictures(body);
  for (const mention of body.querySelectorAll('.mention')) {
    mention.classList.toggle(
      'mention--me',
      Number(/** @type {HTMLElement} */ (mention).dataset.user) === context.me.id,
    );
  }
}

/**
 * @param {HTMLElement} element
 * @param {Message} message
 * @param {MessageContext} context
 */
export function paintQuote(element, message, context) {
  const quote = /** @type {HTMLAnchorElement} */ (slot(element, 'quote'));
  const shown = message.reply_to !== null && !isGone(message);
  quote.hidden = !shown;
  const target = shown ? context.quoted(/** @type {number} */ (message.reply_to)) : null;
  setText(quote, 'quote-author', target ? target.author.name : '');
  const folded = target !== null && (context.isFolded?.(target) ?? false);
  // A hidden quote keeps no text.
  setText(quote, 'quote-text', !shown ? '' : folded ? words.folded : quoteOf(target));
  if (target?.number) quote.href = context.permalink(target.number);
  else quote.removeAttribute('href');
}

/**
 * The text of a message where it is only quoted.
 * @param {Message | null} message
 */
export function quoteOf(message) {
  if (message === null) return words.quoteUnknown;
  if (message.hidden_at) return words.quoteHidden;
  return message.deleted_at === null ? plainText(message) : words.quoteDeleted;
}

/**
 * The beginning of a message in one line, without its markup.
 * @param {Message} message
 * @param {number} [length]
 */
export function plainText({ html, body }, length = QUOTE_LENGTH) {
  const text = html ? (parsePart(html).textContent ?? '') : body;
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, length);
}

/**
 * @param {HTMLElement} holder
 * @param {Record<string, number[]>} reactions
 * @param {MessageContext} context
 */
function paintReactions(holder, reactions, context) {
  const items = Object.entries(reactions).filter(([, users]) => users.length > 0);
  while (holder.children.length > items.length) holder.lastElementChild?.remove();
  items.forEach(([emoji, users], index) => {
    const item = holder.children[index] ?? holder.appendChild(clone('reaction-template'));
    paintReaction(/** @type {HTMLElement} */ (item.firstElementChild), emoji, users, context);
  });
}

/**
 * @param {HTMLElement} button
 * @param {string} emoji
 * @param {number[]} users
 * @param {MessageContext} context
 */
function paintReaction(button, emoji, users, context) {
  button.dataset.emoji = emoji;
  button.setAttribute('aria-pressed', String(users.includes(context.me.id)));
  /** @type {HTMLElement} */ (button.children[0]).textContent = emoji;
  /** @type {HTMLElement} */ (button.children[1]).textContent = String(users.length);
  const names = users
    .slice(0, MAX_NAMES)
    .map((id) => (id === context.me.id ? words.you : context.nameOf(id)))
    .filter(Boolean);
  const others = users.length - names.length;
  button.title = words.reactedWith(others > 0 ? [...names, words.andOthers(others)] : names, emoji);
  button.setAttribute('aria-label', words.reactionLabel(emoji, users.length));
}
