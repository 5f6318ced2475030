/**
 * Desktop notifications while no tab of this browser is visible: each once, however many tabs are
 * open.
 *
 * All tabs receive the same rows. The tab that shows one takes the lock of that row and stores its
 * seq: rows up to it are not shown again. The lock is kept for a while, because another tab may not
 * read localStorage up to date. A visible tab holds a shared lock, so the others know that the page
 * is visible. Without Web Locks the number alone decides, and two notifications of one row replace
 * each other by their tag.
 * @module
 */

import { Display } from './display.js';
import { detail, sentence } from './kinds.js';
import { isWanted, News } from './news.js';
import { desktopWords } from './words.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {import('./news.js').Choices} Choices
 *
 * @typedef {object} DesktopOptions
 * @property {import('./feed.js').InboxFeed} feed
 * @property {number} user
 * @property {string} since  when the page was made, by the server's clock
 * @property {() => string} history  names the history that the rows' numbers belong to
 * @property {(place: string | null) => boolean} isMuted
 * @property {(user: number | null) => boolean} isBlocked
 * @property {(url: string) => void} open
 * @property {string} icon
 */

const LOOKED_AT = 'holdfast.looked-at';
const SHOWING = 'holdfast.showing'; // and the row's seq
/** Until all tabs read the number that one of them wrote. */
const TURN_MS = 10_000;
// In localStorage: the history, and the seq of the last row that was shown from it.
const SHOWN = 'holdfast.shown';
// In localStorage: "on" or "off", the choice of this person; the permission is the browser's, and
// outlives a sign-out.
const CHOICE = 'holdfast.desktop';
/** At once, for example after a long sleep; further ones are shown as a number. */
const MAX_AT_ONCE = 3;
const AT_ONCE_MS = 2000;

/**
 * The state of desktop notifications: unsupported, denied, not asked yet, turned off, turned on.
 * @returns {'none' | 'denied' | 'ask' | 'off' | 'on'}
 */
export function desktopState() {
  if (!('Notification' in globalThis)) return 'none';
  if (Notification.permission === 'denied') return 'denied';
  const choice = localStorage.getItem(CHOICE);
  if (Notification.permission !== 'granted' || choice === null) return 'ask';
  return choice === 'on' ? 'on' : 'off';
}

/** Turns them on, after the user pressed a button. */
export async function turnOn() {
  localStorage.setItem(CHOICE, 'on');
  await Notification.requestPermission();
  return desktopState();
}

export function turnOff() {
  localStorage.setItem(CHOICE, 'off');
  return desktopState();
}

/** Lets the browser's other tabs know while this page is visible. */
export function announceVisibility() {
  /** @type {(() => void) | null} */
  let release = null;
  const look = () => {
    const looks = document.visibilityState === 'visible';
    if (!looks) release?.();
    if (looks === (release !== null) || !navigator.locks) return;
    if (!looks) {
      release = null;
      return;
    }
    const gone = new Promise((resolve) => {
      release = () => resolve(undefined);
    });
    void navigator.locks.request(LOOKED_AT, { mode: 'shared' }, () => gone).catch(() => {});
  };
  document.addEventListener('visibilitychange', look);
  addEventListener('pagehide', () => {
    release?.();
    release = null;
  });
  addEventListener('pageshow', look);
  look();
}

export class Desktop {
  #options;
  #news;
  #display;
  /** When the last ones were shown. @type {number[]} */
  #recent = [];

  /** @param {DesktopOptions} options */
  constructor(options) {
    this.#options = options;
    this.#news = new News(options.since);
    this.#display = new Display({
      user: options.user,
      icon: options.icon,
      open: (opened) => this.#open(opened),
    });
    options.feed.on('notification', (row) => this.#changed(row));
  }

  /** @param {Row} row */
  #changed(row) {
    if (row.read_at !== null) this.#display.close(tagOf(row));
    if (!this.#news.isNews(row) || desktopState() !== 'on') return;
    const { feed, isMuted, isBlocked } = this.#options;
    if (isWanted(row, feed.preferences, { now: new Date(), isMuted, isBlocked }))
      void this.#showOnce(row);
  }

  /** @param {Row} row */
  async #showOnce(row) {
    if (document.visibilityState === 'visible' || (await otherTabIsVisible())) return;
    await takenOnce(`${SHOWING}.${row.seq}`, () => {
      if (this.#isFirst(row.seq)) this.#show(row);
    });
  }

  /** Whether no tab has shown this row or a later one; marks it as shown. @param {number} seq */
  #isFirst(seq) {
    const history = this.#options.history();
    const [known, shown] = (localStorage.getItem(SHOWN) ?? '').split(' ');
    if (known === history && Number(shown) >= seq) return false;
    localStorage.setItem(SHOWN, `${history} ${seq}`);
    return true;
  }

  /** @param {Row} row */
  #show(row) {
    const now = Date.now();
    this.#recent = this.#recent.filter((then) => now - then < AT_ONCE_MS);
    this.#recent.push(now);
    const notification =
      this.#recent.length > MAX_AT_ONCE
        ? {
            tag: 'holdfast.many',
            title: desktopWords.many(this.#options.feed.unread),
            body: '',
            url: '/inbox/',
            ids: [],
          }
        : {
            tag: tagOf(row),
            title: sentence(row),
            body: detail(row),
            url: row.url || '/inbox/',
            ids: [row.id],
          };
    this.#display.show(notification);
  }

  /** @param {import('./display.js').Opened} opened */
  #open({ url, ids }) {
    if (new URL(url, location.origin).origin === location.origin) this.#options.open(url);
    else window.open(url, '_blank', 'noopener');
    // it stays unread, and can be read later
    if (ids.length > 0) void this.#options.feed.read(ids).catch(() => {});
  }
}

/** @param {Row} row */
const tagOf = (row) => `holdfast.${row.id}`;

/** Whether another tab of this browser is visible. */
async function otherTabIsVisible() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === LOOKED_AT);
}

/**
 * Act, unless another tab does or did a moment ago.
 * @param {string} name
 * @param {() => void} act
 */
async function takenOnce(name, act) {
  if (!navigator.locks) return act();
  await navigator.locks.request(name, { ifAvailable: true }, (lock) => {
    if (!lock) return;
    act();
    return new Promise((resolve) => setTimeout(resolve, TURN_MS));
  });
}
