/**
 * Sends the user's time zone to the server in a cookie, for the pages that it renders
 * (realtime/site/time_zones.py). Every page imports it (chat/page.js).
 * @module
 */

import { setCookie } from './cookies.js';

const YEAR_SECONDS = 365 * 24 * 3600;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) setCookie('timezone', encodeURIComponent(zone), YEAR_SECONDS);
