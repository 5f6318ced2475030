/**
 * What can be completed while one writes: @names, #rooms and :emoji. Each kind knows what has been
 * begun, and finds what fits.
 * @module
 */

import { rank } from '../lib/matching.js';
import { emojiGroups, searchEmoji } from './emoji_table.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').User} User
 * @typedef {import('../rooms/room.js').Room} Room
 *
 * @typedef {object} Completion
 * @property {string} text  takes the place of what was begun
 * @property {string} title
 * @property {string} hint
 * @property {User} [person]
 * @property {string} [sign]
 *
 * @typedef {object} Kind
 * @property {string} label  of the list
 * @property {RegExp} begun  what stands before the caret; its group is what was begun
 * @property {(begun: string) => Promise<Completion[]>} find
 * @property {(begun: string) => boolean} [isWhole] nothing is left to choose: it is replaced as it
 *   is typed
 */

const MOST_SHOWN = 6;

/** @param {() => Promise<User[]>} people @returns {Kind} */
export const completePeople = (people) => ({
  label: words.people,
  begun: /(?:^|\s)(@[\w.+-]*)$/u,
  async find(begun) {
    const wanted = begun.slice(1).toLowerCase();
    const found = (await people()).filter((person) => isNamed(person, wanted)).slice(0, MOST_SHOWN);
    return found.map((person) => ({
      text: `@${person.username}`,
      title: person.name,
      hint: `@${person.username}`,
      person,
    }));
  },
});

/** @param {() => Room[]} rooms @returns {Kind} */
export const completeRooms = (rooms) => ({
  label: words.rooms,
  begun: /(?:^|\s)(#[\p{L}\p{N}_-]*)$/u,
  async find(begun) {
    const items = rooms()
      .filter((room) => !room.isDirect)
      .map((room) => ({ names: [room.title, room.data.slug], recency: 0, room }));
    const found = rank(begun.slice(1), items).slice(0, MOST_SHOWN);
    return found.map(({ room }) => ({
      text: `#${room.data.slug}`,
      title: room.title,
      hint: room.data.topic,
      sign: '#',
    }));
  },
});

/** Two letters at least: ":)" and "10:30" are none. @returns {Kind} */
export const completeEmoji = () => ({
  label: words.emoji,
  begun: /(?:^|\s)(:[\p{L}\p{N}_+-]{2,}:?)$/u,
  async find(begun) {
    const typed = begun.slice(1).replace(/:$/, '');
    const found = searchEmoji(await emojiGroups(), typed, MOST_SHOWN);
    const exact = begun.endsWith(':')
      ? found.filter(({ codes }) => codes.includes(typed.toLowerCase()))
      : found;
    return exact.map(({ sign, name, codes }) => ({
      text: sign,
      title: name,
      hint: codes[0] ? `:${codes[0]}:` : '',
      sign,
    }));
  },
  isWhole: (begun) => begun.endsWith(':'),
});

/**
 * @param {User} person
 * @param {string} wanted  in lower case
 */
function isNamed({ username, name }, wanted) {
  return (
    username.toLowerCase().startsWith(wanted) ||
    name
      .toLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(wanted))
  );
}
