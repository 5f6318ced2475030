/**
 * The server's time, as this browser can know it. The clock of a device may be wrong by minutes, so
 * a time of the server is only ever compared with this one.
 * @module
 */

/** Milliseconds that the device's clock is behind the server's. */
let behind = 0;

/**
 * The server has sent its time. It was a little later than that when it arrived.
 * @param {unknown} iso
 * @param {number} [at]  when it arrived, by the clock of the device
 */
export function learnServerTime(iso, at = Date.now()) {
  const sent = typeof iso === 'string' ? Date.parse(iso) : NaN;
  if (!Number.isNaN(sent)) behind = sent - at;
}

/** In milliseconds since 1970. @param {number} [now]  by the clock of the device */
export const serverNow = (now = Date.now()) => now + behind;

/**
 * Milliseconds until a time of the server; negative: it has passed.
 * @param {string} iso
 * @param {number} [now]  by the clock of the device
 */
export const untilServerTime = (iso, now) => Date.parse(iso) - serverNow(now);
