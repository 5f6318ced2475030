/**
 * The completions of the composer: @names, #rooms and :emoji. Each kind recognises its beginning
 * before the caret and finds matches.
 * @module
 */

import { plain, rank } from '../lib/matching.js';
import { emojiGroups, searchEmoji } from './emoji_table.js';
import { begunMention, same } from './mention_grammar.js';
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
 * @property {(before: string) => string | undefined} begun  the typed part at the end of the text
 *   before the caret
 * @property {(begun: string) => Promise<Completion[]>} find
 * @property {(begun: string) => boolean} [isWhole]  the typed part is complete and is replaced at
 *   once
 */

const MAX_SHOWN = 6;

/** @param {() => Promise<User[]>} people @returns {Kind} */
export const completePeople = (people) => ({
  label: words.people,
  begun: begunMention,
  async find(begun) {
    const wanted = begun.slice(1);
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
  begun: (before) => /(?:^|\s)(#[\p{L}\p{N}_-]*)$/u.exec(before)?.[1],
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
  begun: (before) => /(?:^|\s)(:[\p{L}\p{N}_+-]{2,}:?)$/u.exec(before)?.[1],
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
 * @param {string} wanted
 */
function isNamed({ username, name }, wanted) {
  return (
    same(username).startsWith(same(wanted)) ||
    plain(name)
      .split(/\s+/)
      .some((word) => word.startsWith(plain(wanted)))
  );
}
