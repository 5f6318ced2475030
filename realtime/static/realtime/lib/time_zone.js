/**
 * Sends the user's time zone and clock to the server in a cookie, for the pages that it renders
 * (realtime/site/time_zones.py). Every page imports it (chat/page.js).
 * @module
 */

import { setCookie } from './cookies.js';
import { habit } from './time_text.js';

const YEAR_SECONDS = 365 * 24 * 3600;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const hours = habit().hourCycle?.startsWith('h1') ? 12 : 24;
if (zone) setCookie('timezone', encodeURIComponent(`${zone} ${hours}`), YEAR_SECONDS);
