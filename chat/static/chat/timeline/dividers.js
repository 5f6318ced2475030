/**
 * The dividers between messages: days and the unread line. Also groups messages of the same author.
 * @module
 */

import { clone } from '../lib/dom.js';
import { dayKey, dayName } from '../lib/words.js';

/** Of one author, as in chat/pages/page_data.py. */
const GROUP_MS = 300_000;

/**
 * Draw the day divider of a message, or group it with the message before.
 * @param {HTMLElement} element
 * @param {string} createdAt
 * @param {number} authorId
 * @param {number | null} replyTo
 */
export function decorate(element, createdAt, authorId, replyTo) {
  const before = previousMessage(element);
  element.dataset.at = createdAt;
  element.dataset.author = String(authorId);
  const newDay = !before?.dataset.at || dayKey(before.dataset.at) !== dayKey(createdAt);
  drawDay(element, newDay ? createdAt : null);
  const near =
    before?.dataset.at !== undefined &&
    Date.parse(createdAt) - Date.parse(before.dataset.at) < GROUP_MS;
  const afterLine = element.previousElementSibling?.classList.contains('new-line');
  const continued =
    near &&
    !newDay &&
    !afterLine &&
    replyTo === null &&
    before?.dataset.author === String(authorId);
  element.classList.toggle('message--continued', continued);
}

/**
 * Move the unread line before `element`; without one, remove it.
 * @param {HTMLElement} line
 * @param {HTMLElement | undefined} element
 */
export function drawUnreadLine(line, element) {
  if (!element) return line.remove();
  const first = dayOf(element) ?? element;
  if (first.previousElementSibling === line) return;
  first.before(line);
  element.classList.remove('message--continued');
}

/** @param {HTMLElement} element */
export function removeWithDay(element) {
  dayOf(element)?.remove();
  element.remove();
}

/** @param {Element | null | undefined} element @returns {HTMLElement | null} */
function previousMessage(element) {
  let other = element?.previousElementSibling ?? null;
  while (other && !other.classList.contains('message')) other = other.previousElementSibling;
  return /** @type {HTMLElement | null} */ (other);
}

/** @param {Element | null | undefined} element @returns {HTMLElement | null} */
export function nextMessage(element) {
  let other = element?.nextElementSibling ?? null;
  while (other && !other.classList.contains('message')) other = other.nextElementSibling;
  return /** @type {HTMLElement | null} */ (other);
}

/** The day divider of a message. @param {HTMLElement} element */
function dayOf(element) {
  const before = element.previousElementSibling;
  return before?.classList.contains('day') ? before : null;
}

/**
 * @param {HTMLElement} element
 * @param {string | null} iso
 */
function drawDay(element, iso) {
  const there = dayOf(element);
  if (iso === null) return there?.remove();
  const day = /** @type {HTMLElement} */ (there ?? clone('day-template'));
  const time = /** @type {HTMLTimeElement} */ (day.firstElementChild);
  time.dateTime = dayKey(iso);
  time.textContent = dayName(iso);
  if (!there) element.before(day);
}
