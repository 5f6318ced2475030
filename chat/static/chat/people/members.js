/**
 * The member panel of a room: presence, roles, and the actions on members.
 *
 * Owners, moderators and (in rooms that name them) present members are always listed. The others
 * are loaded page by page.
 * @module
 */

import {
  clone,
  keepingFocus,
  onAction,
  setAvatar,
  setChildren,
  setText,
  slot,
  toast,
  toastError,
} from '../lib/dom.js';
import { common } from '../lib/words.js';
import { mayInvite } from '../rooms/rights.js';
import { isMuted, memberActions } from './member_actions.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../lib/menu.js').MenuItem} MenuItem
 *
 * @typedef {object} MembersContext
 * @property {import('../../realtime/api.js').Api} api
 * @property {{id: number, moderator: boolean}} me
 * @property {import('../lib/menu.js').Menu} menu
 * @property {import('../lib/dialogs.js').Dialogs} dialogs
 * @property {(userId: number) => void} writeTo  opens the direct conversation
 */

const PAGE = 100;
/** In one request; presence names no more either. */
const MAX_IDS = 200;
const SEARCH_DELAY_MS = 200;

export class Members {
  #root;
  #room;
  #context;
  /** By user id. @type {Map<number, Row>} */
  #members = new Map();
  /**
   * The elements by user id; they are kept while members come and go.
   * @type {Map<number, HTMLElement>}
   */
  #elements = new Map();
  #last = 0;
  #loaded = false;
  #more = false;
  #query = '';
  /** The results of the search; null without one. @type {Row[] | null} */
  #found = null;
  #timer = 0;
  /** Present members that were requested already. @type {Set<number>} */
  #asked = new Set();
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
      'more-members': () => void this.#load().catch(toastError),
      'member-menu': (_event, element) => this.#menu(element),
      invite: () => void this.#invite(),
    });
    this.#input.addEventListener('input', () => this.#typed());
    this.#ends = [
      room.on('member', (member) => this.#changed(member)),
      room.on('presence', () => void this.#presenceChanged()),
    ];
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (slot(this.#root, 'member-search'));
  }

  leave() {
    for (const end of this.#ends) end();
    clearTimeout(this.#timer);
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  async open() {
    this.#root.hidden = false;
    this.#paint();
    await Promise.allSettled([this.#loaded ? null : this.#loadFirst(), this.#room.presence.load()]);
  }

  close() {
    this.#root.hidden = true;
  }

  async #loadFirst() {
    const [{ members }] = await Promise.all([
      this.#get({ staff: true, limit: MAX_IDS }),
      this.#load(),
    ]);
    this.#keep(members);
  }

  async #load() {
    const { members, more } = await this.#get({ after: this.#last, limit: PAGE });
    this.#loaded = true;
    this.#last = members.at(-1)?.user.id ?? this.#last;
    this.#more = more;
    this.#keep(members);
    await this.#presenceChanged();
  }

  /**
   * @param {Record<string, string | number | boolean>} query
   * @returns {Promise<{members: Row[], more: boolean}>}
   */
  #get(query) {
    return this.#context.api.get(`/api/rooms/${this.#room.id}/members`, query);
  }

  /** @param {Row[]} members */
  #keep(members) {
    for (const member of members) this.#members.set(member.user.id, member);
    this.#paint();
  }

  /** In a large room, present members may be on a page that is not loaded. */
  async #presenceChanged() {
    this.#paint();
    if (!this.isOpen || !this.#loaded || !this.#more) return;
    const missing = [...(this.#room.presence.users ?? [])]
      .filter((id) => !this.#members.has(id) && !this.#asked.has(id))
      .slice(0, MAX_IDS);
    if (missing.length === 0) return;
    for (const id of missing) this.#asked.add(id);
    try {
      this.#keep((await this.#get({ ids: missing.join(','), limit: MAX_IDS })).members);
    } catch {
      // The next change requests them again.
      for (const id of missing) this.#asked.delete(id);
    }
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#query = this.#input.value.trim();
    if (this.#query === '') {
      this.#found = null;
      return this.#paint();
    }
    this.#timer = window.setTimeout(
      () => void this.#search(this.#query).catch(toastError),
      SEARCH_DELAY_MS,
    );
  }

  /** @param {string} q */
  async #search(q) {
    const { members } = await this.#get({ q, limit: PAGE });
    // The text has changed meanwhile.
    if (q !== this.#query) return;
    this.#found = members;
    this.#paint();
  }

  /** @param {Row} member */
  #changed(member) {
    if (!this.#loaded) return;
    const active = member.state === 'active';
    if (active) this.#members.set(member.user.id, member);
    else this.#members.delete(member.user.id);
    this.#found =
      this.#found
        ?.filter((row) => active || row.user.id !== member.user.id)
        .map((row) => (row.user.id === member.user.id ? member : row)) ?? null;
    this.#paint();
  }

  #paint() {
    if (!this.isOpen) return;
    keepingFocus(() => this.#arrange());
  }

  #arrange() {
    const all = (this.#found ?? [...this.#members.values()]).sort((one, other) =>
      this.#order(one, other),
    );
    const staff = all.filter(({ role }) => role !== 'member');
    const others = all.filter(({ role }) => role === 'member');
    const here = others.filter((member) => this.#isHere(member));
    const away = others.filter((member) => !this.#isHere(member));
    setText(
      this.#root,
      'here-count',
      words.hereOf(this.#room.presence.count, this.#room.memberCount),
    );
    this.#section(
      'owners',
      words.owners,
      staff.filter(({ role }) => role === 'owner'),
    );
    this.#section(
      'moderators',
      words.moderators,
      staff.filter(({ role }) => role === 'moderator'),
    );
    this.#section('present', words.here, here);
    this.#section('absent', words.notHere, away);
    slot(this.#root, 'nobody').hidden = this.#found === null || this.#found.length > 0;
    slot(this.#root, 'more-members').hidden = this.#found !== null || !this.#more;
    slot(this.#root, 'invite').hidden = !mayInvite(this.#room);
    slot(this.#root, 'invite-link').hidden = !this.#room.canModerate;
  }

  /**
   * @param {string} name
   * @param {(count: number) => string} label
   * @param {Row[]} members
   */
  #section(name, label, members) {
    setText(this.#root, `${name}-label`, label(members.length));
    slot(this.#root, `${name}-label`).hidden = members.length === 0;
    setChildren(
      slot(this.#root, name),
      members.map((member) => this.#row(member)),
    );
  }

  /** Present members first, then by name. @param {Row} one @param {Row} other */
  #order(one, other) {
    return (
      Number(this.#isHere(other)) - Number(this.#isHere(one)) ||
      one.user.name.localeCompare(other.user.name)
    );
  }

  /** @param {Row} member */
  #isHere(member) {
    return this.#room.presence.users?.has(member.user.id) ?? false;
  }

  /** @param {Row} member */
  #row(member) {
    const here = this.#isHere(member);
    const element = this.#elements.get(member.user.id) ?? clone('member-template');
    this.#elements.set(member.user.id, element);
    element.dataset.user = String(member.user.id);
    element.dataset.present = String(here);
    setAvatar(element, member.user);
    slot(element, 'avatar').dataset.present = String(here);
    setText(element, 'name', member.user.name);
    setText(element, 'username', `@${member.user.username}`);
    setText(
      element,
      'role',
      words.roles[/** @type {keyof typeof words.roles} */ (member.role)] ?? '',
    );
    setText(element, 'badge', words.badge(this.#room.staff.of(member.user.id)));
    setText(element, 'presence', here ? words.present : words.absent);
    const muted = isMuted(member);
    slot(element, 'muted').hidden = !muted;
    if (muted) setText(element, 'muted', words.mutedUntil(member.muted_until));
    const button = /** @type {HTMLElement} */ (element.querySelector('[data-do="member-menu"]'));
    button.setAttribute('aria-label', common.actionsFor(member.user.name));
    button.hidden = member.user.id === this.#context.me.id;
    return element;
  }

  /** @param {HTMLElement} opener */
  #menu(opener) {
    const id = Number(/** @type {HTMLElement | null} */ (opener.closest('.member'))?.dataset.user);
    const member = this.#found?.find(({ user }) => user.id === id) ?? this.#members.get(id);
    if (!member) return;
    const { api, me, dialogs } = this.#context;
    const items = memberActions(this.#room, member, {
      api,
      me,
      dialogs,
      changed: (membership) => this.#changed(membership),
    });
    const write = {
      label: common.directMessage,
      icon: 'message-circle',
      run: () => this.#context.writeTo(member.user.id),
    };
    this.#context.menu.open(opener, common.actionsFor(member.user.name), [write, ...items]);
  }

  #invite() {
    return this.#context.dialogs.findPerson(words.addPeople, async (person) => {
      await this.#context.api.post(`/api/rooms/${this.#room.id}/members`, {
        username: person.username,
      });
      toast(words.invited(person.name));
    });
  }
}
