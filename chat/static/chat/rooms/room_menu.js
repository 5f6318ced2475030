/**
 * The menu of a room.
 * @module
 */

import { toast, toastError } from '../lib/dom.js';
import { quietChoices } from './quiet.js';
import { RoomSettings } from './room_settings.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('../lib/menu.js').MenuItem} MenuItem
 */

/**
 * @param {HTMLElement} opener
 * @param {Room} room
 * @param {App} app
 */
export function roomMenu(opener, room, app) {
  /** @type {MenuItem[]} */
  const items = placeItems(room, app);
  if (room.canModerate)
    items.push({
      label: words.roomSettings,
      icon: 'settings',
      run: () => new RoomSettings(room, app).open(),
    });
  if (room.canModerate && !room.data.archived_at)
    items.push({
      label: words.inviteByLink,
      icon: 'user-plus',
      run: () => new RoomSettings(room, app).open('invitations'),
    });
  items.push({
    label: words.copyRoomLink,
    icon: 'link',
    run: () => void app.copy(new URL(room.url, location.origin).href),
  });
  if (room.mayTakeOver)
    items.push({
      label: words.takeOver,
      icon: 'crown',
      run: () => void takeOver(room, app).catch(toastError),
    });
  if (room.isMember) items.push(...quietItem(opener, room, app), ...levelItems(room, app));
  if (room.membership?.role === 'owner' && room.isMember)
    items.push({
      label: words.roomReports,
      icon: 'shield',
      run: () => location.assign(`${room.url}reports/`),
    });
  if (!room.isDirect)
    items.push({ label: words.report, icon: 'flag', run: () => void report(room, app) });
  if (room.isMember && (!room.isDirect || room.isGroup))
    items.push({
      label: words.leave,
      icon: 'log-out',
      danger: true,
      run: () => void leave(room, app),
    });
  app.menu.open(opener, room.title, items);
}

/**
 * @param {Room} room
 * @param {App} app
 */
function report(room, app) {
  return app.dialogs.report(
    words.reportTitle(room.title),
    room.title,
    async ({ category, note }) => {
      await app.client.command('room.report', {
        room: room.id,
        category,
        ...(note ? { note } : {}),
      });
      toast(words.reported);
    },
  );
}

/**
 * Items that change the room's position in the sidebar.
 * @param {Room} room
 * @param {App} app
 * @returns {MenuItem[]}
 */
function placeItems(room, app) {
  if (!room.isMember) return [];
  const { favourites } = app;
  const all = favourites.all;
  /** @type {MenuItem[]} */
  const items = [];
  if (room.unread > 0)
    items.push({ label: words.markRead, icon: 'check-check', run: () => app.markRead(room) });
  if (!room.isFavourite)
    return [
      ...items,
      { label: words.addFavourite, icon: 'star', run: () => void favourites.add(room) },
    ];
  items.push({
    label: words.removeFavourite,
    icon: 'star-off',
    run: () => void favourites.remove(room),
  });
  if (all[0] !== room)
    items.push({
      label: words.moveUp,
      icon: 'arrow-up',
      run: () => void favourites.move(room, -1),
    });
  if (all.at(-1) !== room)
    items.push({
      label: words.moveDown,
      icon: 'arrow-down',
      run: () => void favourites.move(room, 1),
    });
  return items;
}

/**
 * @param {Room} room
 * @param {App} app
 * @returns {MenuItem[]}
 */
function levelItems(room, app) {
  return Object.entries(words.involvement).map(([involvement, label]) => ({
    label,
    icon:
      room.membership?.involvement === involvement
        ? 'check'
        : involvement === 'nothing'
          ? 'bell-off'
          : 'bell',
    run: () => void change(room, { involvement }, app),
  }));
}

/**
 * The item that mutes a room, or ends that; none where the level is "nothing" already.
 * @param {HTMLElement} opener
 * @param {Room} room
 * @param {App} app
 * @returns {MenuItem[]}
 */
function quietItem(opener, room, app) {
  const until = room.quietUntil;
  if (until !== null)
    return [
      {
        label: words.unmute(until),
        icon: 'bell-ring',
        run: () => void change(room, { quiet_for: 0 }, app),
      },
    ];
  if (room.isQuiet) return [];
  return [
    {
      label: words.mute,
      icon: 'bell-off',
      run: () => app.menu.open(opener, words.muteName(room.title), quietItems(room, app)),
    },
  ];
}

/**
 * @param {Room} room
 * @param {App} app
 * @returns {MenuItem[]}
 */
function quietItems(room, app) {
  const lengths = Object.entries(quietChoices());
  return [
    ...lengths.map(([name, seconds]) => ({
      label: words.muteFor[/** @type {keyof typeof words.muteFor} */ (name)],
      icon: 'clock',
      run: () => void change(room, { quiet_for: seconds }, app),
    })),
    {
      label: words.muteForever,
      icon: 'bell-off',
      run: () => void change(room, { involvement: 'nothing' }, app),
    },
  ];
}

/**
 * Change the user's own membership.
 * @param {Room} room
 * @param {Record<string, unknown>} fields
 * @param {App} app
 */
async function change(room, fields, app) {
  try {
    const { membership } = await app.api.patch(`/api/rooms/${room.id}/membership`, fields);
    room.ownMembershipReceived(membership);
    toast(words.saved);
  } catch (error) {
    toastError(error);
  }
}

/**
 * @param {Room} room
 * @param {App} app
 */
async function takeOver(room, app) {
  const { membership } = await app.api.post(`/api/rooms/${room.id}/owner`, { user: app.me.id });
  room.mayTakeOver = false;
  room.ownMembershipReceived(membership);
  toast(words.tookOver(room.title));
}

/**
 * @param {Room} room
 * @param {App} app
 */
function leave(room, app) {
  return app.dialogs.confirm(
    {
      heading: words.leaveTitle(room.title),
      text: room.isGroup ? words.leaveGroupText : words.leaveText,
      confirm: words.leaveDo,
    },
    async () => {
      const { membership } = await app.client.command('room.leave', { room: room.id });
      room.ownMembershipReceived(membership);
      await app.go('/rooms/');
    },
  );
}
