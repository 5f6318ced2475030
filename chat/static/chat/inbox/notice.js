/**
 * One notification on the screen, or several that belong together
 * (templates/notifications/_notice.html).
 * @module
 */

import { entrance, total } from '../../notifications/grouping.js';
import { spokenTitle } from '../../notifications/titles.js';
import { inboxWords } from '../../notifications/words.js';
import { setAvatar, setIcon, setText, slot } from '../lib/dom.js';
import { dayAndClock, fullTime } from '../lib/words.js';

/** @typedef {import('../../realtime/types.js').Row} Row */

const ICONS = {
  mention: 'at-sign',
  direct: 'message-circle',
  message: 'message-circle',
  reply: 'reply',
  reaction: 'smile-plus',
  invitation: 'user-plus',
  moderation: 'shield',
  broadcast: 'megaphone',
};

/**
 * @param {HTMLElement} element
 * @param {Row} row
 * @param {string} [key]
 */
export function paintNotice(element, row, key = String(row.id)) {
  element.dataset.key = key;
  element.dataset.kind = row.kind;
  element.dataset.notification = String(row.id);
  element.dataset.level = row.level;
  element.dataset.unread = String(row.read_at === null);
  element.dataset.archived = String(row.archived_at !== null);
  paintSign(slot(element, 'avatar').parentElement, row);
  setText(element, 'title', spokenTitle(row));
  const title = slot(element, 'title');
  if (row.url) title.setAttribute('href', row.url);
  else title.removeAttribute('href');
  title.tabIndex = 0;
  setText(element, 'state', row.read_at === null ? inboxWords.unread : '');
  const chip = row.kind === 'reaction' && row.count > 1 ? inboxWords.reactions(row.count) : '';
  slot(element, 'chip').hidden = chip === '';
  setText(element, 'chip', chip);
  slot(element, 'body').hidden = row.body === '';
  setText(element, 'body', row.body);
  const when = /** @type {HTMLTimeElement} */ (slot(element, 'when'));
  const happened = row.updated_at ?? row.created_at;
  when.dateTime = happened;
  when.textContent = dayAndClock(happened);
  when.title = fullTime(happened);
  /** @type {HTMLElement} */ (element.querySelector('[data-do="fold"]')).hidden = true;
  slot(element, 'items').dataset.open = 'false';
}

/**
 * The head of several: what they have in common, and the way to fold them out.
 * @param {HTMLElement} element
 * @param {import('../../notifications/grouping.js').Group} group
 * @param {{room: string | null, open: boolean}} how
 */
export function paintGroup(element, { key, rows }, { room, open }) {
  const unread = rows.some((row) => row.read_at === null);
  const head = {
    ...rows[0],
    title: titleOf(rows, room),
    body: '',
    count: 1,
    url: entrance(rows).url,
    read_at: unread ? null : rows[0].read_at,
  };
  paintNotice(element, head, key);
  const button = /** @type {HTMLElement} */ (element.querySelector('[data-do="fold"]'));
  button.hidden = false;
  button.setAttribute('aria-expanded', String(open));
  button.setAttribute('aria-label', open ? inboxWords.fold : inboxWords.showEach);
  button.title = open ? inboxWords.fold : inboxWords.showEach;
  slot(element, 'items').dataset.open = String(open);
}

/**
 * @param {Row[]} rows
 * @param {string | null} room
 */
function titleOf(rows, room) {
  const count = total(rows);
  if (rows[0].kind === 'reaction') return inboxWords.reactionsToMine(count);
  if (rows[0].kind === 'direct')
    return inboxWords.messagesFrom(count, rows[0].actor?.name ?? inboxWords.somebody);
  return room === null ? inboxWords.messages(count) : inboxWords.messagesIn(count, room);
}

/**
 * @param {HTMLElement | null} sign
 * @param {Row} row
 */
function paintSign(sign, row) {
  if (!sign) return;
  sign.dataset.person = String(row.actor !== null);
  if (row.actor) setAvatar(sign, row.actor);
  setIcon(
    /** @type {Element} */ (sign.querySelector('svg')),
    ICONS[/** @type {keyof typeof ICONS} */ (row.kind)] ?? 'bell',
  );
}
