/**
 * Moments in sentences that the server has written in English, `24 November 2026, 14:00 UTC`
 * (realtime/zones.py), said again in the reader's language and by their clock.
 * @module
 */

import { locale } from './language.js';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WRITTEN = /^(\d\d) (\w+) (\d{4}), (\d\d):(\d\d) UTC$/;

/** What is no such moment stays as it is. @param {string} text */
export function spokenMoment(text) {
  const found = WRITTEN.exec(text);
  const month = found ? MONTHS.indexOf(found[2]) : -1;
  if (!found || month < 0) return text;
  const at = new Date(
    Date.UTC(Number(found[3]), month, Number(found[1]), Number(found[4]), Number(found[5])),
  );
  return new Intl.DateTimeFormat(locale(), {
    dateStyle: 'medium',
    timeStyle: 'short',
    ...habit(),
  }).format(at);
}

/**
 * 15:04 or 3:04 PM is a habit of the reader's system, not of the language.
 * @returns {Intl.DateTimeFormatOptions}
 */
export function habit() {
  const own = globalThis.navigator?.language;
  return own
    ? { hourCycle: new Intl.DateTimeFormat(own, { hour: 'numeric' }).resolvedOptions().hourCycle }
    : {};
}
