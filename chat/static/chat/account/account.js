/**
 * The account page: its list of blocked people follows changes in other tabs.
 * @module
 */

import { api, feed } from '../../notifications/page.js';
import { clone, setAvatar, setText, slot } from '../lib/dom.js';
import { words } from '../people/words.js';

/** @typedef {import('../../realtime/types.js').User} User */

const section = /** @type {HTMLElement} */ (
  document.querySelector('section[aria-labelledby="blocks-title"]')
);
const list = slot(section, 'blocks');

let reading = Promise.resolve();

/** One request at a time, so that the last answer is the newest. */
function reload() {
  // A failed request is repeated with the next change or connection.
  reading = reading.then(read).catch(() => {});
}

async function read() {
  const { blocks } = await api.get('/api/blocks/');
  show(blocks.map((/** @type {{user: User}} */ { user }) => user));
}

/** Elements that stay are not replaced, so they keep the focus. @param {User[]} people */
function show(people) {
  for (const element of [...list.children])
    if (!people.some((person) => isOf(element, person))) element.remove();
  people.forEach((person, index) => {
    if (!isOf(list.children[index], person))
      list.insertBefore(element(person), list.children[index] ?? null);
  });
  slot(section, 'some').hidden = people.length === 0;
  slot(section, 'none').hidden = people.length > 0;
}

/** @param {Element | undefined} element @param {User} person */
const isOf = (element, person) =>
  /** @type {HTMLElement | undefined} */ (element)?.dataset.blocked === String(person.id);

/** @param {User} person */
function element(person) {
  const made = clone('block-template');
  made.dataset.blocked = String(person.id);
  setAvatar(made, person);
  setText(made, 'name', person.name);
  setText(made, 'username', `@${person.username}`);
  /** @type {HTMLInputElement} */ (slot(made, 'user')).value = String(person.id);
  slot(made, 'unblock').setAttribute('aria-label', words.unblockPerson(person.name));
  return made;
}

feed.on('block', reload);
feed.on('reloaded', reload);
