/**
 * Announcements above the page (templates/notifications/_banner.html): the newest ones, each until
 * the person dismisses it.
 * @module
 */

import { inLanguage } from './texts.js';

/** @typedef {import('../realtime/types.js').Row} Row */

const MAX_SHOWN = 3; // more would push the page away; the next comes when one is dismissed
const ICONS = {
  info: 'megaphone',
  success: 'circle-check',
  warning: 'triangle-alert',
  critical: 'circle-alert',
};

export class Banner {
  #list;
  #dismissed;

  /**
   * @param {HTMLElement} list
   * @param {(id: number) => void} dismissed
   */
  constructor(list, dismissed) {
    this.#list = list;
    this.#dismissed = dismissed;
    list.addEventListener('click', (event) => this.#click(event));
  }

  /** @param {Row[]} announcements  newest first */
  show(announcements) {
    const shown = announcements.slice(0, MAX_SHOWN);
    const known = new Map(
      [...this.#list.children].map((element) => [
        Number(/** @type {HTMLElement} */ (element).dataset.announcement),
        element,
      ]),
    );
    for (const [id, element] of known) if (!shown.some((row) => row.id === id)) element.remove();
    shown.forEach((row, index) => {
      const element = known.get(row.id) ?? emptyBanner();
      fill(/** @type {HTMLElement} */ (element), row);
      if (this.#list.children[index] !== element)
        this.#list.insertBefore(element, this.#list.children[index] ?? null);
    });
  }

  /** @param {Event} event */
  #click(event) {
    const button = /** @type {Element} */ (event.target).closest('[data-do="dismiss"]');
    const banner = /** @type {HTMLElement | null} */ (
      button?.closest('[data-announcement]') ?? null
    );
    if (banner) this.#dismissed(Number(banner.dataset.announcement));
  }
}

function emptyBanner() {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById('banner-template'));
  return /** @type {HTMLElement} */ (
    /** @type {Element} */ (template.content.firstElementChild).cloneNode(true)
  );
}

/**
 * @param {HTMLElement} element
 * @param {Row} row
 */
function fill(element, row) {
  const find = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (element.querySelector(`[data-slot="${name}"]`));
  element.dataset.announcement = String(row.id);
  element.dataset.level = row.level;
  const { title, body } = inLanguage(row, row.texts);
  // Not again: a screen reader would announce it once more.
  if (find('title').textContent !== title) find('title').textContent = title;
  find('title').hidden = title === '';
  if (find('body').textContent !== body) find('body').textContent = body;
  const link = /** @type {HTMLAnchorElement} */ (find('link'));
  link.hidden = !isSafe(row.url);
  if (!link.hidden) link.href = row.url;
  const use = /** @type {Element} */ (element.querySelector('use'));
  const [sprite] = (use.getAttribute('href') ?? '').split('#');
  use.setAttribute(
    'href',
    `${sprite}#${ICONS[/** @type {keyof typeof ICONS} */ (row.level)] ?? ICONS.info}`,
  );
}

/**
 * An address of this site or of the web; anything else (`javascript:`) is no link.
 * @param {string} url
 */
function isSafe(url) {
  if (!url) return false;
  try {
    return ['http:', 'https:'].includes(new URL(url, location.origin).protocol);
  } catch {
    return false;
  }
}
