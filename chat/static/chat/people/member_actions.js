/**
 * The actions on a member of a room, for the member panel and the profile card.
 * @module
 */

import { untilServerTime } from '../../realtime/lib/server_clock.js';
import { toast, toastError } from '../lib/dom.js';
import { memberRights } from '../rooms/rights.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../lib/menu.js').MenuItem} MenuItem
 *
 * @typedef {'mute' | 'remove' | 'ban' | 'siteMute' | 'siteBan'} Question
 *
 * @typedef {object} ActContext
 * @property {import('../../realtime/api.js').Api} api
 * @property {{id: number, moderator: boolean}} me
 * @property {import('../lib/dialogs.js').Dialogs} dialogs
 * @property {(membership: Row) => void} changed
 */

/**
 * @param {Room} room
 * @param {Row} member
 * @param {ActContext} context
 * @returns {MenuItem[]}
 */
export function memberActions(room, member, context) {
  const { moderate, changeRole } = memberRights(room, member, context.me);
  /** @param {Record<string, unknown>} changes */
  const patch = async (changes) => {
    const { membership } = await context.api.patch(
      `/api/rooms/${room.id}/members/${member.user.id}`,
      changes,
    );
    context.changed(membership);
  };
  /** @param {Record<string, unknown>} changes */
  const change = (changes) => void patch(changes).catch(toastError);
  /** @type {MenuItem[]} */
  const items = [];
  if (changeRole && member.role !== 'owner')
    items.push({ label: words.makeOwner, icon: 'crown', run: () => change({ role: 'owner' }) });
  if (changeRole && member.role !== 'moderator')
    items.push({
      label: words.makeModerator,
      icon: 'shield',
      run: () => change({ role: 'moderator' }),
    });
  if (changeRole && member.role !== 'member')
    items.push({
      label: words.makeMember,
      icon: 'circle-user',
      run: () => change({ role: 'member' }),
    });
  if (room.isMember && room.membership?.role === 'owner' && member.user.id !== context.me.id) {
    items.push({
      label: words.transfer,
      icon: 'key-round',
      run: () => void transfer(room, member, context),
    });
  }
  if (!moderate) return items;
  /** @param {Question} what */
  const ask = (what) => {
    const [duration, endless] = [what !== 'remove', what === 'ban' || what === 'siteBan'];
    const question = { ...questions(member.user.name)[what], reason: true, duration, endless };
    void context.dialogs.confirm(question, async ({ reason, duration: seconds }) => {
      const time = seconds ? { banned_for: seconds } : {};
      if (what === 'siteMute' || what === 'siteBan') {
        const changes = what === 'siteMute' ? { muted_for: seconds } : { banned: true, ...time };
        await context.api.patch(`/api/users/${member.user.id}/moderation`, { ...changes, reason });
        toast(
          what === 'siteMute'
            ? words.siteMuted(member.user.name)
            : words.siteBannedOther(member.user.name),
        );
      } else
        await patch({
          ...{
            mute: { muted_for: seconds },
            remove: { state: 'removed' },
            ban: { state: 'banned', ...time },
          }[what],
          reason,
        });
    });
  };
  if (isMuted(member))
    items.push({ label: words.unmute, icon: 'volume-2', run: () => change({ muted_for: 0 }) });
  else items.push({ label: words.mute, icon: 'volume-x', run: () => ask('mute') });
  items.push({ label: words.remove, icon: 'user-minus', run: () => ask('remove') });
  items.push({ label: words.ban, icon: 'ban', danger: true, run: () => ask('ban') });
  if (!context.me.moderator) return items;
  items.push({ label: words.siteMute, icon: 'volume-x', danger: true, run: () => ask('siteMute') });
  items.push({ label: words.siteBan, icon: 'ban', danger: true, run: () => ask('siteBan') });
  return items;
}

/** @param {Row} member */
export function isMuted(member) {
  return Boolean(member.muted_until) && untilServerTime(member.muted_until) > 0;
}

/**
 * @param {Room} room
 * @param {Row} member
 * @param {ActContext} context
 */
function transfer(room, member, context) {
  const question = {
    heading: words.transferTitle(member.user.name),
    text: words.transferText,
    confirm: words.transferDo,
  };
  return context.dialogs.confirm(question, async () => {
    const { membership } = await context.api.post(`/api/rooms/${room.id}/owner`, {
      user: member.user.id,
    });
    context.changed(membership);
  });
}

/** @param {string} name */
function questions(name) {
  return {
    mute: { heading: words.muteTitle(name), text: words.muteText, confirm: words.muteDo },
    remove: { heading: words.removeTitle(name), text: words.removeText, confirm: words.removeDo },
    ban: { heading: words.banTitle(name), text: words.banText, confirm: words.banDo },
    siteMute: {
      heading: words.siteMuteTitle(name),
      text: words.siteMuteText,
      confirm: words.muteDo,
    },
    siteBan: { heading: words.siteBanTitle(name), text: words.siteBanText, confirm: words.banDo },
  };
}
