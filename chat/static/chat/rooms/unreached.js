/**
 * Shows who is named by a message without being reached, and offers to invite them.
 * @module
 */

import { toast, toastError } from '../lib/dom.js';
import { mayInvite } from './rights.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').User} User
 * @typedef {import('./room.js').Room} Room
 *
 * @typedef {object} Unreached  As the server answers a post or an edit.
 * @property {User[]} people  who are not in the room
 * @property {boolean} room  the whole room, by someone who may not mention it
 */

/**
 * @param {Unreached | undefined} unreached
 * @param {Room} room
 * @param {import('../../realtime/api.js').Api} api
 */
export function tellUnreached(unreached, room, api) {
  if (!unreached) return;
  const { people } = unreached;
  if (people.length === 0) return toast(words.mayNotMentionAll);
  const shown = words.notInRoom(people.map(({ name }) => name));
  if (!mayInvite(room)) return toast(shown);
  toast(shown, { label: words.invite, act: () => void invite(people, room, api) });
}

/**
 * @param {User[]} people
 * @param {Room} room
 * @param {import('../../realtime/api.js').Api} api
 */
async function invite(people, room, api) {
  try {
    for (const { username } of people)
      await api.post(`/api/rooms/${room.id}/members`, { username });
    toast(words.invitedThem(people.map(({ name }) => name)));
  } catch (error) {
    toastError(error);
  }
}
