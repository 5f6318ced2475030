/**
 * A message in the outbox, or held for a moderator: looks like a message, with its state.
 * @module
 */

import { serverNow } from '../../realtime/lib/server_clock.js';
import { announce, clone, setIcon, setText, slot } from '../lib/dom.js';
import { nameMessage, paintMessage } from './message.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/outbox/outbox.js').Entry} Entry
 * @typedef {import('./message.js').MessageContext} MessageContext
 *
 * @typedef {object} Pending  An entry of the outbox, or a post that a filter holds.
 * @property {string} key
 * @property {Record<string, any>} fields
 * @property {number} createdAt  by the clock of the device; of a held post, of the server
 * @property {import('../../realtime/types.js').EntryState | 'held'} state
 * @property {Entry['error']} error
 */

/**
 * @param {HTMLElement} element
 * @param {Pending} entry
 * @param {MessageContext} context
 */
export function paintPending(element, entry, context) {
  paintMessage(element, asMessage(entry, context), context);
  const failed = entry.state === 'failed';
  if (failed && element.classList.contains('message--sending')) announce(inWords(entry));
  element.dataset.key = entry.key;
  element.classList.toggle('message--sending', !failed);
  element.classList.toggle('message--failed', failed);
  if (!element.querySelector('[data-slot="state"]'))
    slot(element, 'body').after(clone('state-template'));
  const state = slot(element, 'state');
  setIcon(/** @type {Element} */ (state.querySelector('svg')), iconOf(entry));
  setText(state, 'state-words', inWords(entry));
  const [retry, discard] = /** @type {HTMLElement[]} */ ([...state.querySelectorAll('button')]);
  retry.hidden = !failed;
  discard.hidden = entry.state === 'sending';
  nameMessage(element);
}

/** When an entry was written, by the server's clock. @param {Pending} entry */
export const sentAt = ({ createdAt, state }) =>
  new Date(state === 'held' ? createdAt : serverNow(createdAt)).toISOString();

/** @param {Pending} entry */
function iconOf({ state }) {
  if (state === 'held') return 'shield';
  return state === 'failed' ? 'circle-alert' : 'clock';
}

/** @param {Pending} entry */
function inWords(entry) {
  if (entry.state === 'held') return words.held;
  if (entry.state === 'failed') return words.failed(entry.error?.message ?? '');
  if (entry.state === 'sending') return words.sending;
  return entry.error ? words.retrying(entry.error.message) : words.waiting;
}

/**
 * @param {Pending} entry
 * @param {MessageContext} context
 * @returns {import('./message.js').Message}
 */
function asMessage(entry, context) {
  return {
    author: context.me,
    body: entry.fields.body,
    created_at: sentAt(entry),
    edited_at: null,
    deleted_at: null,
    reply_to: entry.fields.reply_to ?? null,
    reactions: {},
    mentions: [],
  };
}
