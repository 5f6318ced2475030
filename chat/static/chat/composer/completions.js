/**
 * The completions of the composer: @names, #rooms and :emoji. Each kind recognises its beginning
 * before the caret and finds matches.
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
 * @property {string} text  replaces the typed part
 * @property {string} title
 * @property {string} hint
 * @property {User} [person]
 * @property {string} [sign]
 *
 * @typedef {object} Kind
 * @property {string} label  of the list
 * @property {RegExp} begun  matches the text before the caret; its group is the typed part
 * @property {(begun: string) => Promise<Completion[]>} find
 * @property {(begun: string) => boolean} [isWhole]  the typed part is complete and is replaced at
 *   once
 */

const MAX_SHOWN = 6;

/** @param {() => Promise<User[]>} people @returns {Kind} */
export const completePeople = (people) => ({
  label: words.people,
  begun: /(?:^|\s)(@[\w.+-]*)$/u,
  async find(begun) {
    const wanted = begun.slice(1).toLowerCase();
    const found = (await people()).filter((person) => isNamed(person, wanted)).slice(0, MAX_SHOWN);
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
    const found = rank(begun.slice(1), items).slice(0, MAX_SHOWN);
    return found.map(({ room }) => ({
      text: `#${room.data.slug}`,
      title: room.title,
      hint: room.data.topic,
      sign: '#',
    }));
  },
});

/** At least two letters, so that ":)" and "10:30" do not match. @returns {Kind} */
export const completeEmoji = () => ({
  label: words.emoji,
  begun: /(?:^|\s)(:[\p{L}\p{N}_+-]{2,}:?)$/u,
  async find(begun) {
    const typed = begun.slice(1).replace(/:$/, '');
    const found = searchEmoji(await emojiGroups(), typed, MAX_SHOWN);
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
