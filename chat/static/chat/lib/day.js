/**
 * The beginning of a new day for the reader: "Today" and "Yesterday" are drawn again.
 * @module
 */

import { realClock, reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';
import { serverNow } from '../../realtime/lib/server_clock.js';
import { onDisplay } from './display.js';
import { dayAndClock, dayKey } from './words.js';

/** A device that slept through midnight, or whose clock was set, is noticed within this time. */
const LOOK_EVERY_MS = 30_000;

/** @type {Emitter<{change: void}>} */
const emitter = new Emitter(reportToConsole);
let shown = today();

/** Called once by the page. */
export function watchDay() {
  setInterval(look, LOOK_EVERY_MS);
  document.addEventListener('visibilitychange', look);
  realClock.setTimeout(look, untilMidnight());
}

/** @param {() => void} listener @returns {() => void} ends it */
export const onNewDay = (listener) => emitter.on('change', listener);

/** The user has chosen another clock: all times are drawn again. */
onDisplay('clock', () => emitter.emit('change', undefined));

/** Write the times of list entries anew. @param {ParentNode} root */
export function paintTimes(root) {
  for (const when of /** @type {NodeListOf<HTMLTimeElement>} */ (
    root.querySelectorAll('time[data-slot="when"]')
  ))
    if (when.dateTime) when.textContent = dayAndClock(when.dateTime);
}

function look() {
  if (today() === shown) return;
  shown = today();
  realClock.setTimeout(look, untilMidnight());
  emitter.emit('change', undefined);
}

function today() {
  return dayKey(new Date(serverNow()).toISOString());
}

function untilMidnight() {
  const now = new Date(serverNow());
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();
}
