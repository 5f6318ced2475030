/**
 * The server's time, as this browser can know it. The clock of a device may be wrong by minutes, so
 * a time of the server is only ever compared with this one.
 * @module
 */

/** Milliseconds that the device's clock is behind the server's. */
let behind = 0;

/**
 * The server has told its time. It was a little later than that when it arrived.
 * @param {unknown} iso
 * @param {number} [at]  when it arrived, by the clock of the device
 */
export function learnServerTime(iso, at = Date.now()) {
  const told = typeof iso === 'string' ? Date.parse(iso) : NaN;
  if (!Number.isNaN(told)) behind = told - at;
}

/** In milliseconds since 1970. */
export const serverNow = () => Date.now() + behind;

/** Milliseconds until a time of the server; negative: it has passed. @param {string} iso */
export const untilServerTime = (iso) => Date.parse(iso) - serverNow();
