/**
 * Previews of linked images, if the site allows their host (HOLDFAST_IMAGE_HOSTS). They have a
 * fixed shape, so that the layout does not shift. The Content-Security-Policy uses the same
 * setting.
 * @module
 */

import { clone, slot } from '../lib/dom.js';
import { words } from './words.js';

/** In one message. */
const MAX_SHOWN = 4;
const IMAGE = /\.(?:avif|gif|jpe?g|png|webp)$/i;

/** @type {Set<string>} */
let hosts = new Set();

/** @param {string[]} allowed  host names, with the port if they have one */
export function allowPictures(allowed) {
  hosts = new Set(allowed);
}

/**
 * The address of a linked image; null if it is not an image, or not allowed.
 * @param {string} href
 * @param {Set<string>} [allowed]
 */
export function pictureOf(href, allowed = hosts) {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  const isAllowed =
    url.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    allowed.has(url.host);
  return isAllowed && IMAGE.test(url.pathname) ? url.href : null;
}

/**
 * A name for an image without a description.
 * @param {string} href
 * @param {string} text  of its link
 */
export function pictureName(href, text) {
  if (text && text !== href) return text;
  const file = new URL(href).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(file);
  } catch {
    // Not a valid encoding.
    return file;
  }
}

/** Show the images of a message's links below its text. @param {HTMLElement} body */
export function showPictures(body) {
  if (hosts.size === 0) return;
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (
    body.querySelectorAll('a[href]')
  )) {
    const href = pictureOf(link.href);
    if (href && !found.has(href)) found.set(href, pictureName(href, link.textContent ?? ''));
  }
  if (found.size === 0) return;
  const row = document.createElement('div');
  row.className = 'pictures';
  row.append(...[...found].slice(0, MAX_SHOWN).map(([href, name]) => picture(href, name)));
  body.append(row);
}

/**
 * @param {string} href
 * @param {string} name
 */
function picture(href, name) {
  const element = /** @type {HTMLAnchorElement} */ (clone('picture-template'));
  const image = /** @type {HTMLImageElement} */ (slot(element, 'image'));
  element.href = href;
  image.alt = name;
  image.addEventListener('error', () => {
    element.classList.add('picture--broken');
    slot(element, 'words').textContent = words.pictureBroken(name);
    image.hidden = true;
  });
  image.src = href;
  return element;
}
