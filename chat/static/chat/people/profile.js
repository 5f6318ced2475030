/**
 * The profile card: a user's role in the room, and the actions on them. One popover for the whole
 * page; on a phone, a bottom sheet.
 * @module
 */

import { clone, setAvatar, setIcon, setText, slot, toast, toastError } from '../lib/dom.js';
import { placeBeside } from '../lib/menu.js';
import { dayOf } from '../lib/words.js';
import { SYSTEM_USERNAME } from '../timeline/message.js';
import { isMuted, memberActions } from './member_actions.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').User} User
 * @typedef {import('../lib/menu.js').MenuItem} MenuItem
 *
 * @typedef {object} Card  As GET /api/rooms/ID/members/USERID answers.
 * @property {User} user
 * @property {boolean} active
 * @property {Row | null} membership
 * @property {string | null} joined_at
 *
 * @typedef {{userId: number, room: Room, opener: HTMLElement, mention: (user: User) => void}} Shown
 */

/** The card waits so long for its data, so that it does not change its size after opening. */
const OPEN_WITHIN_MS = 150;

export class Profile {
  #app;
  #element;
  /** The user that is shown; late answers about others are ignored. @type {Shown | null} */
  #shown = null;
  /**
   * The user whose card opens next.
   * @type {Shown | null}
   */
  #wanted = null;
  /** @type {Card | null} */
  #card = null;
  /**
   * While the card loads, it has no buttons: they would move under the pointer.
   */
  #loading = false;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.#element = /** @type {HTMLElement} */ (document.getElementById('profile'));
    this.#element.addEventListener('toggle', (event) => {
      const open = /** @type {ToggleEvent} */ (event).newState === 'open';
      this.#shown?.opener.setAttribute('aria-expanded', String(open));
      if (!open) this.#shown = null;
    });
    slot(this.#element, 'close').addEventListener('click', () => this.#close());
    app.blocks.on('change', () => this.#paint());
  }

  /**
   * @param {HTMLElement} opener
   * @param {number} userId
   * @param {Room} room
   * @param {(user: User) => void} mention  inserts their name into the composer
   */
  async open(opener, userId, room, mention) {
    const shown = { userId, room, opener, mention };
    this.#wanted = shown;
    /** @type {Promise<Card | Error>} */
    const answer = this.#app.api
      .get(`/api/rooms/${room.id}/members/${userId}`)
      .catch((/** @type {Error} */ error) => error);
    if (!room.presence.users)
      void room.presence.load().then(
        () => this.#paintPresence(),
        () => {},
      );
    await Promise.race([answer, new Promise((done) => setTimeout(done, OPEN_WITHIN_MS))]);
    if (this.#wanted !== shown || !opener.isConnected) return;
    this.#shown = shown;
    this.#card = null;
    this.#loading = true;
    setText(this.#element, 'facts-error', '');
    this.#paint();
    this.#element.showPopover();
    placeBeside(this.#element, opener, 'start');
    slot(this.#element, 'close').focus();
    const told = await answer;
    if (this.#shown !== shown) return;
    this.#loading = false;
    if (told instanceof Error) setText(this.#element, 'facts-error', told.message);
    else this.#learn(told);
    this.#paint();
    placeBeside(this.#element, opener, 'start');
  }

  /** @param {Card} card */
  #learn(card) {
    this.#card = card;
    this.#app.people.learn(card.user);
  }

  #close() {
    const opener = this.#shown?.opener;
    this.#element.hidePopover();
    opener?.focus();
  }

  #paint() {
    if (!this.#shown) return;
    const { userId } = this.#shown;
    const element = this.#element;
    const user = this.#card?.user ??
      this.#app.people.get(userId) ?? { id: userId, username: '', name: '' };
    setAvatar(element, user);
    setText(element, 'name', user.name);
    setText(element, 'username', user.username && `@${user.username}`);
    this.#paintPresence();
    const member = this.#card?.membership ?? null;
    setText(element, 'role', this.#role(member));
    slot(element, 'muted').hidden = !member || !isMuted(member);
    if (member && isMuted(member)) setText(element, 'muted', words.mutedUntil(member.muted_until));
    setText(
      element,
      'since',
      this.#card?.joined_at ? words.memberSince(dayOf(this.#card.joined_at)) : '',
    );
    this.#recordLink(userId);
    slot(element, 'blocked').hidden = !this.#app.blocks.has(userId);
    slot(element, 'acts').replaceChildren(
      ...this.#acts(user, member).map((item) => this.#button(item)),
    );
  }

  /** A room that reports only a count does not show the presence of one user. */
  #paintPresence() {
    if (!this.#shown) return;
    const { userId, room } = this.#shown;
    const here = room.presence.users?.has(userId) ?? false;
    slot(this.#element, 'avatar').dataset.present = String(here);
    setText(
      this.#element,
      'presence',
      !room.presence.users ? '' : here ? words.present : words.absent,
    );
  }

  /** @param {Row | null} member */
  #role(member) {
    if (!this.#card) return '';
    if (!this.#card.active) return words.accountClosed;
    if (!member) return words.notInRoom;
    const staff = this.#shown?.room.staff.of(member.user.id);
    return words.badge(staff === 'site' ? staff : member.role);
  }

  /**
   * @param {User} user
   * @param {Row | null} member
   * @returns {MenuItem[]}
   */
  #acts(user, member) {
    const { room, mention } = /** @type {Shown} */ (this.#shown);
    const { me, blocks } = this.#app;
    if (this.#loading || user.id === me.id || !user.username || user.username === SYSTEM_USERNAME)
      return [];
    const blocked = blocks.has(user.id);
    /** @type {MenuItem[]} */
    const items = [];
    if (!blocked && room.partner?.id !== user.id)
      items.push({
        label: words.message,
        icon: 'message-circle',
        run: () => void this.#app.writeTo(user.id),
      });
    if (member && room.isMember && (!room.isDirect || room.isGroup))
      items.push({ label: words.mention, icon: 'at-sign', run: () => mention(user) });
    items.push({ label: words.report, icon: 'flag', run: () => void this.#report(user) });
    items.push(
      blocked
        ? { label: words.unblock, icon: 'undo-2', run: () => void this.#block(user, false) }
        : {
            label: words.block,
            icon: 'bell-off',
            danger: true,
            run: () => void this.#askToBlock(user),
          },
    );
    if (member && !room.isDirect) {
      const { api, dialogs } = this.#app;
      items.push(
        ...memberActions(room, member, {
          api,
          me,
          dialogs,
          changed: (row) => room.memberUpdated(row),
        }),
      );
    }
    return items;
  }

  /** The record of a person, for moderators of the site. @param {number} userId */
  #recordLink(userId) {
    const { me } = this.#app;
    const link = /** @type {HTMLAnchorElement} */ (slot(this.#element, 'record'));
    link.hidden = !me.moderator || userId === me.id;
    if (!link.hidden) link.href = `/admin/chat/person/${userId}/change/`;
  }

  /** @param {MenuItem} item */
  #button({ label, icon, run, danger = false }) {
    const element = clone('profile-act-template');
    const button = /** @type {HTMLElement} */ (element.firstElementChild);
    button.classList.toggle('menu__item--danger', danger);
    setIcon(/** @type {Element} */ (button.firstElementChild), icon);
    setText(button, 'label', label);
    button.addEventListener('click', () => {
      this.#close();
      run();
    });
    return element;
  }

  /** @param {User} user */
  #askToBlock(user) {
    return this.#app.dialogs.confirm(
      { heading: words.blockTitle(user.name), text: words.blockText, confirm: words.block },
      async () => {
        await this.#app.blocks.set(user.id, true);
        toast(words.blocked(user.name));
      },
    );
  }

  /** @param {User} user */
  #report(user) {
    return this.#app.dialogs.report(
      words.reportTitle(user.name),
      `@${user.username}`,
      async ({ category, note }) => {
        await this.#app.client.command('person.report', {
          user: user.id,
          category,
          ...(note ? { note } : {}),
        });
        toast(words.reported);
      },
    );
  }

  /** @param {User} user @param {boolean} on */
  async #block(user, on) {
    try {
      await this.#app.blocks.set(user.id, on);
      toast(words.unblocked(user.name));
    } catch (error) {
      toastError(error);
    }
  }
}

/**
 * The user whose card a click opens: an author or a mentioned user; null for other clicks.
 * @param {Event} event
 * @returns {{opener: HTMLElement, userId: number} | null}
 */
export function personAt(event) {
  const target = /** @type {Element} */ (event.target);
  const opener = /** @type {HTMLElement | null} */ (
    target.closest('.mention[data-user], .message__author, .message__side .avatar, .member__person')
  );
  if (!opener) return null;
  const holder = /** @type {HTMLElement | null} */ (
    opener.closest('.mention[data-user], .member[data-user], .message[data-author]')
  );
  const userId = Number(holder?.dataset.user ?? holder?.dataset.author);
  return userId ? { opener, userId } : null;
}
