/**
 * The line above the text: the message that it answers or changes.
 * @module
 */

import { setIcon, setText } from '../lib/dom.js';
import { quoteOf } from '../timeline/message.js';
import { words } from './words.js';

/** @typedef {import('../timeline/message.js').Message} Message */

/**
 * @param {HTMLElement} context
 * @param {object} what
 * @param {Message | null} what.edited
 * @param {string} what.base  the text of the edited message from which the changes began
 * @param {Message | null} what.answered  null: no answer, or not loaded
 * @param {string} what.author  of the message that is answered; empty: no answer
 */
export function paintContext(context, { edited, base, answered, author }) {
  const isChanged = edited !== null && edited.body !== base;
  const what = isChanged ? words.changedMeanwhile : edited ? words.editing : author;
  context.hidden = what === '';
  setIcon(/** @type {Element} */ (context.querySelector('svg')), edited ? 'pencil' : 'reply');
  setText(context, 'context-what', edited || !author ? what : words.replyingTo(author));
  const shown = isChanged ? edited : edited ? null : answered;
  setText(context, 'context-text', shown || (author && !edited) ? quoteOf(shown) : '');
}
