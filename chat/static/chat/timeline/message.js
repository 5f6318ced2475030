/**
 * One message in the page: fills the slots of templates/chat/_message.html, whether the server or a
 * template made the element.
 * @module
 */

import { clone, parsePart, setAvatar, setSanitised, setText, slot } from '../lib/dom.js';
import { clock, common, fullTime } from '../lib/words.js';
import { isGone } from '../rooms/rights.js';
import { dressCode } from './code.js';
import { showPictures } from './pictures.js';
import { linkRooms } from './room_links.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').User} User
 *
 * @typedef {object} Message As on the wire (docs/protocol.md §5); one that waits in the outbox has
 *   no id and no number yet.
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
 * @property {string} [hidden_at]  while moderators look at it
 * @property {number | null} reply_to
 * @property {Record<string, number[]>} reactions
 * @property {number[]} mentions
 *
 * @typedef {object} Surroundings  What a message needs to know of the page.
 * @property {User} me
 * @property {(userId: number) => string} nameOf
 * @property {(messageId: number) => Message | null} quoted
 * @property {(number: number) => string} permalink
 * @property {import('./room_links.js').FindRoom} [room]
 * @property {(message: Message) => boolean} [isFolded] its author is blocked, and the reader has
 *   not asked to see it
 */

export const SYSTEM_USERNAME = 'holdfast';
const QUOTE_LENGTH = 200; // characters; the rest is a click away
const MOST_NAMES = 8; // in the tip of a reaction

/**
 * What each body shows: a reaction is no reason to make it anew, under the focus or the selection
 * of its reader.
 * @type {WeakMap<Element, string>}
 */
const painted = new WeakMap();

/** @returns {HTMLElement} */
export const newMessageElement = () => clone('message-template');

/**
 * @param {HTMLElement} element
 * @param {Message} message
 * @param {Surroundings} surroundings
 */
export function paintMessage(element, message, surroundings) {
  const gone = isGone(message);
  element.dataset.message = String(message.id ?? '');
  element.dataset.number = String(message.number ?? '');
  element.classList.toggle('message--deleted', gone);
  element.dataset.author = String(message.author.id);
  element.classList.toggle('message--folded', surroundings.isFolded?.(message) ?? false);
  element.classList.toggle('message--system', message.author.username === SYSTEM_USERNAME);
  element.classList.toggle(
    'message--mentions-me',
    !gone && message.mentions.includes(surroundings.me.id),
  );
  setAvatar(element, message.author);
  setText(element, 'author', message.author.name);
  paintTime(slot(element, 'time'), message, surroundings);
  paintBody(slot(element, 'body'), message, surroundings);
  const edited = slot(element, 'edited');
  edited.hidden = gone || message.edited_at === null;
  edited.title = message.edited_at ? fullTime(message.edited_at) : '';
  paintQuote(element, message, surroundings);
  paintReactions(slot(element, 'reactions'), gone ? {} : message.reactions, surroundings);
}

/**
 * @param {HTMLElement} link
 * @param {Message} message
 * @param {Surroundings} surroundings
 */
function paintTime(link, message, surroundings) {
  const time = /** @type {HTMLTimeElement} */ (link.firstElementChild);
  time.dateTime = message.created_at;
  time.textContent = clock(message.created_at);
  time.title = fullTime(message.created_at);
  if (message.number) link.setAttribute('href', surroundings.permalink(message.number));
  else link.removeAttribute('href');
}

/**
 * @param {HTMLElement} body
 * @param {Message} message
 * @param {Surroundings} surroundings
 */
function paintBody(body, message, surroundings) {
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
  if (rendered) setSanitised(body, /** @type {string} */ (message.html));
  else body.textContent = text;
  if (!isGone(message) && surroundings.room) linkRooms(body, surroundings.room);
  dressCode(body);
  showPictures(body);
  for (const mention of body.querySelectorAll('.mention')) {
    mention.classList.toggle(
      'mention--me',
      Number(/** @type {HTMLElement} */ (mention).dataset.user) === surroundings.me.id,
    );
  }
}

/**
 * @param {HTMLElement} element
 * @param {Message} message
 * @param {Surroundings} surroundings
 */
export function paintQuote(element, message, surroundings) {
  const quote = /** @type {HTMLAnchorElement} */ (slot(element, 'quote'));
  const shown = message.reply_to !== null && !isGone(message);
  quote.hidden = !shown;
  const target = shown ? surroundings.quoted(/** @type {number} */ (message.reply_to)) : null;
  setText(quote, 'quote-author', target ? target.author.name : '');
  const folded = target !== null && (surroundings.isFolded?.(target) ?? false);
  // a hidden quote keeps no text either
  setText(quote, 'quote-text', !shown ? '' : folded ? words.folded : quoteOf(target));
  if (target?.number) quote.href = surroundings.permalink(target.number);
  else quote.removeAttribute('href');
}

/**
 * What is said in place of a message where it is only mentioned.
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
 * @param {Surroundings} surroundings
 */
function paintReactions(holder, reactions, surroundings) {
  const items = Object.entries(reactions).filter(([, users]) => users.length > 0);
  while (holder.children.length > items.length) holder.lastElementChild?.remove();
  items.forEach(([emoji, users], index) => {
    const item = holder.children[index] ?? holder.appendChild(clone('reaction-template'));
    paintReaction(/** @type {HTMLElement} */ (item.firstElementChild), emoji, users, surroundings);
  });
}

/**
 * @param {HTMLElement} button
 * @param {string} emoji
 * @param {number[]} users
 * @param {Surroundings} surroundings
 */
function paintReaction(button, emoji, users, surroundings) {
  button.dataset.emoji = emoji;
  button.setAttribute('aria-pressed', String(users.includes(surroundings.me.id)));
  /** @type {HTMLElement} */ (button.children[0]).textContent = emoji;
  /** @type {HTMLElement} */ (button.children[1]).textContent = String(users.length);
  const names = users
    .slice(0, MOST_NAMES)
    .map((id) => (id === surroundings.me.id ? words.you : surroundings.nameOf(id)))
    .filter(Boolean);
  const others = users.length - names.length;
  button.title = words.reactedWith(others > 0 ? [...names, words.andOthers(others)] : names, emoji);
  button.setAttribute('aria-label', words.reactionLabel(emoji, users.length));
}
