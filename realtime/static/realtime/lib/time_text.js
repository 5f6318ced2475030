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

/** The clock that the user has chosen: "12", "24", or none. */
export const chosenClock = () => globalThis.document?.documentElement.dataset?.clock ?? '';

/**
 * 15:04 or 3:04 PM is the user's choice, or else a habit of their system, but not of the language.
 * @returns {Intl.DateTimeFormatOptions}
 */
export function habit() {
  const clock = chosenClock();
  if (clock === '12' || clock === '24') return { hourCycle: clock === '12' ? 'h12' : 'h23' };
  const own = globalThis.navigator?.language;
  return own
    ? { hourCycle: new Intl.DateTimeFormat(own, { hour: 'numeric' }).resolvedOptions().hourCycle }
    : {};
}
