/**
 * One notification on the screen, or several that belong together
 * (templates/notifications/_notice.html).
 * @module
 */

import { firstUnread, total } from '../../notifications/grouping.js';
import { detail, icon, sentence, summary } from '../../notifications/kinds.js';
import { inboxWords } from '../../notifications/words.js';
import { setAvatar, setIcon, setText, slot } from '../lib/dom.js';
import { dayAndClock, fullTime } from '../lib/words.js';

/** @typedef {import('../../realtime/types.js').Row} Row */

/**
 * @param {HTMLElement} element
 * @param {Row} row
 * @param {{excerpt: string, key?: string, open?: boolean}} how  open: an invitation to answer
 */
export function paintNotice(element, row, { excerpt, key = String(row.id), open = false }) {
  const chip = row.kind === 'reaction' && row.count > 1 ? inboxWords.reactions(row.count) : '';
  paint(element, row, key, {
    title: sentence(row),
    chip,
    excerpt,
    emoji: row.params.emoji?.join(' ') ?? '',
    body: detail(row),
  });
  /** @type {HTMLElement} */ (element.querySelector('[data-do="fold"]')).hidden = true;
  slot(element, 'actions').hidden = !open;
  slot(element, 'items').dataset.open = 'false';
}

/**
 * @param {HTMLElement} element
 * @param {Row} row
 * @param {string} key
 * @param {{title: string, chip: string, excerpt: string, emoji: string, body: string}} texts
 */
function paint(element, row, key, texts) {
  element.dataset.key = key;
  element.dataset.kind = row.kind;
  element.dataset.notification = String(row.id);
  element.dataset.level = row.level;
  element.dataset.unread = String(row.read_at === null);
  element.dataset.archived = String(row.archived_at !== null);
  paintSign(slot(element, 'avatar').parentElement, row);
  setText(element, 'title', texts.title);
  const title = slot(element, 'title');
  if (row.url) title.setAttribute('href', row.url);
  else title.removeAttribute('href');
  title.tabIndex = 0;
  setText(element, 'state', row.read_at === null ? inboxWords.unread : '');
  for (const name of /** @type {const} */ (['chip', 'excerpt', 'emoji', 'body'])) {
    slot(element, name).hidden = texts[name] === '';
    setText(element, name, texts[name]);
  }
  const when = /** @type {HTMLTimeElement} */ (slot(element, 'when'));
  const happened = row.updated_at ?? row.created_at;
  when.dateTime = happened;
  when.textContent = dayAndClock(happened);
  when.title = fullTime(happened);
}

/**
 * The head of several: what they have in common, and the way to fold them out.
 * @param {HTMLElement} element
 * @param {import('../../notifications/grouping.js').Group} group
 * @param {{excerpt: string, open: boolean}} how
 */
export function paintGroup(element, { key, rows }, { excerpt, open }) {
  const unread = rows.some((row) => row.read_at === null);
  const head = {
    ...rows[0],
    url: firstUnread(rows).url,
    read_at: unread ? null : rows[0].read_at,
  };
  const title = summary(rows[0], total(rows));
  paint(element, head, key, { title, chip: '', excerpt, emoji: '', body: '' });
  slot(element, 'actions').hidden = true;
  const button = /** @type {HTMLElement} */ (element.querySelector('[data-do="fold"]'));
  button.hidden = false;
  button.setAttribute('aria-expanded', String(open));
  button.setAttribute('aria-label', open ? inboxWords.fold : inboxWords.showEach);
  button.title = open ? inboxWords.fold : inboxWords.showEach;
  slot(element, 'items').dataset.open = String(open);
}

/**
 * @param {HTMLElement | null} sign
 * @param {Row} row
 */
function paintSign(sign, row) {
  if (!sign) return;
  sign.dataset.person = String(row.actor !== null);
  if (row.actor) setAvatar(sign, row.actor);
  setIcon(/** @type {Element} */ (sign.querySelector('svg')), icon(row));
}
