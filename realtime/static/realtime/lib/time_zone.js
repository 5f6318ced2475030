/**
 * Tells the server the reader's time zone, for the pages that it writes (realtime/zones.py). Loaded
 * by itself, on every page.
 * @module
 */

const YEAR_SECONDS = 365 * 24 * 3600;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  const secure = location.protocol === 'https:' ? '; secure' : '';
  const attributes = `path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API.
  document.cookie = `timezone=${encodeURIComponent(zone)}; ${attributes}`;
}
