/**
 * "#garden" in a message links to the room Garden, if the user has it in the sidebar. Other rooms
 * are not linked, so that nobody learns of a room by its name.
 * @module
 */

/** @typedef {(slug: string) => {url: string, title: string} | null} FindRoom */

const NAMED = /(?<![\w/#&.-])#([a-z0-9]+(?:-[a-z0-9]+)*)(?![\w-])/g;

/**
 * Split a text into rooms and the text between them.
 * @param {string} text
 * @param {FindRoom} find
 * @returns {(string | {name: string, url: string, title: string})[]}
 */
export function splitAtRooms(text, find) {
  /** @type {(string | {name: string, url: string, title: string})[]} */
  const parts = [];
  let done = 0;
  for (const { 0: name, 1: slug, index } of text.matchAll(NAMED)) {
    const room = find(slug);
    if (!room) continue;
    if (index > done) parts.push(text.slice(done, index));
    parts.push({ name, url: room.url, title: room.title });
    done = index + name.length;
  }
  if (done < text.length) parts.push(text.slice(done));
  return parts;
}

/**
 * @param {HTMLElement} body  of a message
 * @param {FindRoom} find
 */
export function linkRooms(body, find) {
  if (!body.textContent?.includes('#')) return;
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  /** @type {Text[]} */
  const texts = [];
  while (walker.nextNode()) texts.push(/** @type {Text} */ (walker.currentNode));
  for (const text of texts) {
    if (text.parentElement?.closest('a, code, button')) continue;
    const parts = splitAtRooms(text.data, find);
    if (parts.some((part) => typeof part !== 'string'))
      text.replaceWith(...parts.map((part) => (typeof part === 'string' ? part : link(part))));
  }
}

/** @param {{name: string, url: string, title: string}} room */
function link({ name, url, title }) {
  const element = document.createElement('a');
  element.className = 'mention';
  element.href = url;
  element.title = title;
  element.textContent = name;
  return element;
}
