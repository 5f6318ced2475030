/**
 * How the user wants to see the site. The server renders the choices as attributes of `<html>`
 * (templates/base.html); this follows changes in other tabs and on other devices.
 * @module
 */

import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';

/**
 * @typedef {object} Display  As the API sends it (docs/protocol.md).
 * @property {'device' | 'light' | 'dark'} theme
 * @property {'comfortable' | 'compact'} density
 * @property {'device' | '12' | '24'} clock
 * @property {string[]} folded  sections of the sidebar
 * @property {boolean} unread_first
 * @property {string} language  empty: as the browser asks
 *
 * @typedef {object} DisplayEvents
 * @property {void} clock  times have to be written anew
 * @property {Display} sidebar  the order of rooms, or folded sections
 * @property {void} language  the page is in another language than the user has chosen
 */

/** @type {Emitter<DisplayEvents>} */
const emitter = new Emitter(reportToConsole);

/**
 * @template {keyof DisplayEvents} Name
 * @param {Name} name
 * @param {(value: DisplayEvents[Name]) => void} listener
 */
export const onDisplay = (name, listener) => emitter.on(name, listener);

/** Whether unread rooms come first in their section. */
export const unreadFirst = () => document.documentElement.dataset.unreadFirst === 'true';

/** @param {Display} chosen */
function applyDisplay(chosen) {
  const { theme, density, clock, language } = chosen;
  const { dataset, lang } = document.documentElement;
  const before = dataset.clock;
  Object.assign(dataset, { theme, density, clock, unreadFirst: String(chosen.unread_first) });
  emitter.emit('sidebar', chosen);
  paintBrowser(theme);
  if (clock !== before) emitter.emit('clock', undefined);
  if (language !== '' && language !== lang) emitter.emit('language', undefined);
}

/**
 * Follow the user's choices in an inbox.
 * @param {import('../../notifications/feed.js').InboxFeed} feed
 * @param {import('../../realtime/api.js').Api} api
 */
export function followDisplay(feed, api) {
  feed.on('display', (row) => applyDisplay(/** @type {any} */ (row)));
  feed.on('reloaded', () => {
    // A failed request is repeated with the next connection.
    void api.get('/api/display').then(
      ({ display }) => applyDisplay(display),
      () => {},
    );
  });
}

/** The colour of the browser's own bars. @param {Display['theme']} theme */
function paintBrowser(theme) {
  for (const meta of /** @type {NodeListOf<HTMLMetaElement>} */ (
    document.querySelectorAll('meta[name="theme-color"][data-scheme]')
  )) {
    const scheme = meta.dataset.scheme;
    if (theme === 'device') meta.media = `(prefers-color-scheme: ${scheme})`;
    else meta.media = theme === scheme ? 'all' : 'not all';
  }
}
