/**
 * The rooms that the user is invited to, in the sidebar, with buttons to accept and decline.
 * @module
 */

import { reportToConsole } from '../../realtime/lib/clock.js';
import { Emitter } from '../../realtime/lib/emitter.js';
import {
  clone,
  keepingFocus,
  onAction,
  setChildren,
  setText,
  toast,
  toastError,
} from '../lib/dom.js';
import { words } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/types.js').User} User
 *
 * @typedef {object} Invitation  As on the wire (docs/protocol.md §6).
 * @property {{id: number, slug: string, name: string, topic: string, kind: string}} room
 * @property {number} member_count
 * @property {User | null} invited_by
 * @property {string} invited_at
 *
 * @typedef {object} InvitationsContext
 * @property {{get: (path: string) => Promise<any>}} api
 * @property {{command: (name: string, fields: Record<string, unknown>) => Promise<any>}} client
 * @property {(roomId: number, url: string) => Promise<void>} join
 */

export class Invitations {
  #section;
  #context;
  /** Newest first. @type {Invitation[]} */
  #rows;
  /** @type {Emitter<{change: null}>} */
  #emitter = new Emitter(reportToConsole);

  /**
   * @param {HTMLElement} sidebar
   * @param {Invitation[]} rows
   * @param {InvitationsContext} context
   */
  constructor(sidebar, rows, context) {
    this.#section = /** @type {HTMLElement} */ (
      sidebar.querySelector('[data-section="invitations"]')
    );
    this.#rows = rows;
    this.#context = context;
    const roomOf = (/** @type {HTMLElement} */ element) =>
      Number(/** @type {HTMLElement} */ (element.closest('.room-invitation')).dataset.room);
    onAction(this.#section, {
      'accept-invitation': (_event, element) => void this.accept(roomOf(element)),
      'decline-invitation': (_event, element) => void this.decline(roomOf(element)),
    });
  }

  /** @param {number} roomId */
  has(roomId) {
    return this.#rows.some(({ room }) => room.id === roomId);
  }

  /**
   * `change`: invitations came, or were answered.
   * @param {'change'} name
   * @param {() => void} listener
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** A membership of the user changed. @param {Row} membership */
  async membershipChanged({ room, state }) {
    if (state === 'invited') await this.reload().catch(() => {});
    else if (this.has(room)) this.#show(this.#rows.filter((row) => row.room.id !== room));
  }

  /** Load all invitations, because changes may have been missed. */
  async reload() {
    const { invitations } = await this.#context.api.get('/api/invitations/');
    this.#show(invitations);
  }

  /** @param {number} roomId */
  async accept(roomId) {
    const found = this.#rows.find(({ room }) => room.id === roomId);
    if (!found) return;
    try {
      await this.#context.join(roomId, `/rooms/${found.room.slug}/`);
    } catch (error) {
      toastError(error);
      await this.reload().catch(() => {});
    }
  }

  /** @param {number} roomId */
  async decline(roomId) {
    const found = this.#rows.find(({ room }) => room.id === roomId);
    if (!found) return;
    try {
      await this.#context.client.command('room.leave', { room: roomId });
      this.#show(this.#rows.filter((row) => row !== found));
      toast(words.declined(found.room.name));
    } catch (error) {
      toastError(error);
      await this.reload().catch(() => {});
    }
  }

  /** @param {Invitation[]} rows */
  #show(rows) {
    this.#rows = rows;
    this.#section.hidden = rows.length === 0;
    const list = /** @type {HTMLElement} */ (this.#section.querySelector('ul'));
    keepingFocus(() => setChildren(list, rows.map(item)));
    this.#emitter.emit('change', null);
  }
}

/** @param {Invitation} invitation */
function item({ room, invited_by }) {
  const element = clone('invitation-template');
  element.dataset.room = String(room.id);
  setText(element, 'room', room.name);
  setText(element, 'from', words.invitedBy(invited_by?.name ?? ''));
  return element;
}
