/**
 * The unread badge on the icon of the tab and of the installed app, and on the button that opens the
 * sidebar of a phone.
 * @module
 */

import { setText } from './lib/dom.js';
import { common, few } from './lib/words.js';

// --accent and --danger in light mode: an icon cannot use custom properties.
const COLOURS = { quiet: '#0d7a75', loud: '#cf3b33' };

export class UnreadBadge {
  #link = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel="icon"]'));
  #plain = this.#link?.href ?? '';
  #shown = '';

  /** @param {{unread: number, mentions: number}} counts */
  show({ unread, mentions }) {
    for (const badge of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll('[data-menu-badge]')
    ))
      paintButton(badge, unread, mentions);
    const shown = `${few(mentions || unread)}${mentions ? '!' : ''}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (this.#link)
      this.#link.href = unread > 0 ? drawn(few(mentions || unread), mentions > 0) : this.#plain;
    // Where the page is not installed, or may not, there is no badge.
    const told = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
    told?.catch(() => {});
  }
}

/**
 * @param {HTMLElement} badge
 * @param {number} unread
 * @param {number} mentions
 */
function paintButton(badge, unread, mentions) {
  badge.hidden = unread === 0;
  badge.dataset.loud = String(mentions > 0);
  setText(badge, 'menu-count', few(mentions || unread));
  setText(badge, 'menu-words', unread > 0 ? common.unread(unread) : '');
}

/**
 * A full disc with the number in it: at 16 pixels nothing else can be read.
 * @param {string} count
 * @param {boolean} loud
 */
function drawn(count, loud) {
  const size = count.length > 2 ? 13 : count.length > 1 ? 17 : 21;
  const fill = loud ? COLOURS.loud : COLOURS.quiet;
  const font = `font-family="system-ui,sans-serif" font-weight="700" font-size="${size}"`;
  const picture =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    `<circle cx="16" cy="16" r="16" fill="${fill}"/>` +
    `<text x="16" y="16" dy=".36em" text-anchor="middle" ${font} fill="#fff">${count}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(picture)}`;
}
