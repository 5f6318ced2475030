/**
 * Sends the user's time zone to the server in a cookie, for the pages that it renders
 * (realtime/site/time_zones.py). Every page loads this module by itself.
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
