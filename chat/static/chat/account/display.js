/**
 * Pages without the chat follow the user's choice of theme, density and clock.
 * @module
 */

import { api, feed } from '../../notifications/page.js';
import { followDisplay } from '../lib/display.js';

followDisplay(feed, api);
