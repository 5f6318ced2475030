/**
 * The panel of a room's people: who is here, what they may do, and what one may do about them.
 * @module
 */

import { clone, onAction, setAvatar, setText, slot, toast } from './dom.js';
import { rightsOverMember } from './rights.js';
import { words } from './words.js';

/**
 * @typedef {import('../realtime/types.js').Row} Row
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('./menu.js').MenuItem} MenuItem
 *
 * @typedef {object} MembersContext
 * @property {import('../realtime/api.js').Api} api
 * @property {{id: number, moderator: boolean}} me
 * @property {import('./menu.js').Menu} menu
 * @property {import('./dialogs.js').Dialogs} dialogs
 * @property {(userId: number) => void} writeTo  opens the direct conversation
 */

const PAGE = 100;

export class Members {
  #root;
  #room;
  #context;
  /** By user id. @type {Map<number, Row>} */
  #members = new Map();
  #last = 0;
  #loaded = false;
  #ends;

  /**
   * @param {HTMLElement} root
   * @param {Room} room
   * @param {MembersContext} context
   */
  constructor(root, room, context) {
    this.#root = root;
    this.#room = room;
    this.#context = context;
    onAction(root, {
      'more-members': () => void this.#load(),
      'member-menu': (_event, element) => this.#menu(element),
      invite: () => void this.#invite(),
    });
    this.#ends = [
      room.on('member', (member) => this.#changed(member)),
      room.on('presence', () => this.#paint()),
    ];
  }

  leave() {
    for (const end of this.#ends) end();
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  async open() {
    this.#root.hidden = false;
    this.#paint();
    await Promise.allSettled([this.#loaded ? null : this.#load(), this.#room.askPresence()]);
  }

  close() {
    this.#root.hidden = true;
  }

  async #load() {
    const { members, more } = await this.#context.api.get(`/api/rooms/${this.#room.id}/members`, { after: this.#last, limit: PAGE });
    this.#loaded = true;
    for (const member of members) this.#members.set(member.user.id, member);
    this.#last = members.at(-1)?.user.id ?? this.#last;
    slot(this.#root, 'more-members').hidden = !more;
    this.#paint();
  }

  /** @param {Row} member */
  #changed(member) {
    if (!this.#loaded) return;
    if (member.state === 'active') this.#members.set(member.user.id, member);
    else this.#members.delete(member.user.id);
    this.#paint();
  }

  #paint() {
    if (!this.isOpen) return;
    const all = [...this.#members.values()].sort(byRankAndName);
    const here = all.filter((member) => this.#isHere(member));
    const others = all.filter((member) => !this.#isHere(member));
    setText(this.#root, 'present-label', words.here(this.#room.present ? here.length : this.#room.presentCount));
    setText(this.#root, 'absent-label', words.notHere(others.length));
    slot(this.#root, 'absent-label').hidden = others.length === 0;
    slot(this.#root, 'present').replaceChildren(...here.map((member) => this.#row(member, true)));
    slot(this.#root, 'absent').replaceChildren(...others.map((member) => this.#row(member, false)));
    slot(this.#root, 'invite').hidden = !(this.#room.canModerate || (this.#room.isMember && this.#room.data.kind === 'public'));
  }

  /** @param {Row} member */
  #isHere(member) {
    return this.#room.present?.has(member.user.id) ?? false;
  }

  /**
   * @param {Row} member
   * @param {boolean} here
   */
  #row(member, here) {
    const element = clone('member-template');
    element.dataset.user = String(member.user.id);
    element.dataset.present = String(here);
    setAvatar(element, member.user);
    slot(element, 'avatar').dataset.present = String(here);
    setText(element, 'name', member.user.name);
    setText(element, 'username', `@${member.user.username}`);
    setText(element, 'role', words.roles[/** @type {keyof typeof words.roles} */ (member.role)] ?? '');
    setText(element, 'presence', here ? words.present : words.absent);
    const muted = isMuted(member);
    slot(element, 'muted').hidden = !muted;
    if (muted) setText(element, 'muted', words.mutedUntil(member.muted_until));
    const button = /** @type {HTMLElement} */ (element.querySelector('button'));
    button.setAttribute('aria-label', words.actionsFor(member.user.name));
    button.hidden = member.user.id === this.#context.me.id;
    return element;
  }

  /** @param {HTMLElement} opener */
  #menu(opener) {
    const member = this.#members.get(Number(/** @type {HTMLElement | null} */ (opener.closest('.member'))?.dataset.user));
    if (member) this.#context.menu.open(opener, words.actionsFor(member.user.name), this.#items(member));
  }

  /** @param {Row} member @returns {MenuItem[]} */
  #items(member) {
    const { moderate, changeRole } = rightsOverMember(this.#room, member, this.#context.me);
    const items = [{ label: words.directMessage, icon: 'message-circle', run: () => this.#context.writeTo(member.user.id) }];
    /** @param {string} role @param {string} label @param {string} icon */
    const become = (role, label, icon) => items.push({ label, icon, run: () => void this.#change(member, { role }) });
    if (changeRole && member.role !== 'owner') become('owner', words.makeOwner, 'crown');
    if (changeRole && member.role !== 'moderator') become('moderator', words.makeModerator, 'shield');
    if (changeRole && member.role !== 'member') become('member', words.makeMember, 'circle-user');
    if (!moderate) return items;
    if (isMuted(member)) items.push({ label: words.unmute, icon: 'volume-2', run: () => void this.#change(member, { muted_for: 0 }) });
    else items.push({ label: words.mute, icon: 'volume-x', run: () => void this.#ask(member, 'mute') });
    items.push({ label: words.remove, icon: 'user-minus', run: () => void this.#ask(member, 'remove') });
    /** @type {MenuItem[]} */ (items).push({ label: words.ban, icon: 'ban', danger: true, run: () => void this.#ask(member, 'ban') });
    return items;
  }

  /**
   * @param {Row} member
   * @param {'mute' | 'remove' | 'ban'} what
   */
  #ask(member, what) {
    const name = member.user.name;
    const texts = {
      mute: { heading: words.muteTitle(name), text: words.muteText, confirm: words.muteDo },
      remove: { heading: words.removeTitle(name), text: words.removeText, confirm: words.removeDo },
      ban: { heading: words.banTitle(name), text: words.banText, confirm: words.banDo },
    };
    return this.#context.dialogs.confirm({ ...texts[what], reason: true, duration: what === 'mute' }, async ({ reason, duration }) => {
      const changes = { mute: { muted_for: duration }, remove: { state: 'removed' }, ban: { state: 'banned' } }[what];
      await this.#patch(member, { ...changes, reason });
    });
  }

  /**
   * @param {Row} member
   * @param {Record<string, unknown>} changes
   */
  async #change(member, changes) {
    await this.#patch(member, changes).catch((error) => toast(error.message));
  }

  /**
   * @param {Row} member
   * @param {Record<string, unknown>} changes
   */
  async #patch(member, changes) {
    const { membership } = await this.#context.api.patch(`/api/rooms/${this.#room.id}/members/${member.user.id}`, changes);
    this.#changed(membership);
  }

  #invite() {
    return this.#context.dialogs.findPerson(words.addPeople, async (person) => {
      await this.#context.api.post(`/api/rooms/${this.#room.id}/members`, { username: person.username });
      toast(words.invited(person.name));
    });
  }
}

/** @param {Row} member */
function isMuted(member) {
  return Boolean(member.muted_until) && Date.parse(member.muted_until) > Date.now();
}

const ORDER = { owner: 0, moderator: 1, member: 2 };

/**
 * @param {Row} one
 * @param {Row} other
 */
function byRankAndName(one, other) {
  const ranks = ORDER[/** @type {keyof typeof ORDER} */ (one.role)] - ORDER[/** @type {keyof typeof ORDER} */ (other.role)];
  return ranks || one.user.name.localeCompare(other.user.name);
}
