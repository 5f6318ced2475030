/**
 * Moments in the reader's language and by their clock.
 * @module
 */

import { locale } from './language.js';

/** @param {string} at  in ISO 8601, as the server writes it */
export const momentText = (at) =>
  new Intl.DateTimeFormat(locale(), {
    dateStyle: 'medium',
    timeStyle: 'short',
    ...habit(),
  }).format(new Date(at));

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
