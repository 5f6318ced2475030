/**
 * Texts that are being written: one record for each room, and one for each message of it that is
 * being edited. A reload loses nothing, and tabs do not spoil each other's texts.
 *
 * The record in localStorage is shared: a tab in which nothing was typed follows it. A tab keeps what
 * was typed in it in sessionStorage, and what it shows is not overwritten by another tab. If another
 * tab sends the text, it is removed here as well, so that nobody sends it twice.
 * @module
 */

import { mayStore } from '../account/personal_data.js';

/**
 * @typedef {object} Draft
 * @property {string} text
 * @property {number | null} replyTo  the id of the message that it answers
 * @property {string} [base]  of an edit: the text of the message when it began
 */

/** @type {Draft} */
const NOTHING = Object.freeze({ text: '', replyTo: null });

export class Drafts {
  #name;
  #followed;
  #listen = (/** @type {StorageEvent} */ event) => this.#changedElsewhere(event);

  /**
   * @param {number} userId
   * @param {number} roomId
   * @param {(draft: Draft) => void} followed  another tab has changed what this tab shows
   */
  constructor(userId, roomId, followed) {
    this.#name = `holdfast.draft.${userId}.${roomId}`;
    this.#followed = followed;
    addEventListener('storage', this.#listen);
  }

  leave() {
    removeEventListener('storage', this.#listen);
  }

  /** @returns {Draft} */
  get draft() {
    return this.#own ?? read('localStorage', this.#name) ?? NOTHING;
  }

  /** @param {Draft} draft */
  set draft(draft) {
    const kept = draft.text === '' && draft.replyTo === null ? null : draft;
    write('sessionStorage', this.#name, kept);
    write('localStorage', this.#name, kept);
  }

  /** The changes of a message that are not saved. @param {number} message @returns {Draft | null} */
  edit(message) {
    return read('localStorage', this.#nameOf(message));
  }

  /** @param {number} message @param {Draft | null} draft */
  keepEdit(message, draft) {
    write('localStorage', this.#nameOf(message), draft);
  }

  /** The id of the message that this tab edits. */
  get editing() {
    return read('sessionStorage', this.#nameOf('editing'))?.replyTo ?? null;
  }

  /** @param {number | null} message */
  set editing(message) {
    const kept = message === null ? null : { text: '', replyTo: message };
    write('sessionStorage', this.#nameOf('editing'), kept);
  }

  get #own() {
    return read('sessionStorage', this.#name);
  }

  /** @param {number | string} part */
  #nameOf(part) {
    return `${this.#name}.${part}`;
  }

  /** @param {StorageEvent} event */
  #changedElsewhere({ key, oldValue, newValue, storageArea }) {
    if (key !== this.#name || storageArea !== localStorage) return;
    const [before, now, own] = [parsed(oldValue) ?? NOTHING, parsed(newValue), this.#own];
    if (own === null) return this.#followed(now ?? NOTHING);
    if (now !== null) return;
    if (before.text.startsWith(own.text)) {
      write('sessionStorage', this.#name, null);
      this.#followed(NOTHING);
    } else write('localStorage', this.#name, own);
  }
}

/** @typedef {'localStorage' | 'sessionStorage'} Area */

/** @param {Area} area @param {string} name @returns {Draft | null} */
function read(area, name) {
  try {
    return parsed(globalThis[area].getItem(name));
  } catch {
    // Storage is forbidden: the text lives as long as the page.
    return null;
  }
}

/** @param {Area} area @param {string} name @param {Draft | null} draft */
function write(area, name, draft) {
  if (!mayStore()) return;
  try {
    if (draft === null) globalThis[area].removeItem(name);
    else globalThis[area].setItem(name, JSON.stringify(draft));
  } catch {
    // Storage is forbidden or full: the composer still has the text.
  }
}

/** @param {string | null} stored @returns {Draft | null} */
function parsed(stored) {
  if (stored === null) return null;
  try {
    const { text, replyTo = null, base } = JSON.parse(stored);
    if (typeof text === 'string') return { text, replyTo, base };
  } catch {
    // The bare text of an earlier version.
  }
  return { text: stored, replyTo: null };
}
