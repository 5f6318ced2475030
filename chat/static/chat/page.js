/**
 * The script of every page, with the chat and without it.
 * @module
 */

import '../realtime/lib/time_zone.js';
import './offline/register.js';
