/**
 * The settings of a room, for its moderators: name and topic, archiving, and invite links.
 * @module
 */

import { clone, onAction, setText, slot, toast } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { dayAndClock } from '../lib/words.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/lib/errors.js').HoldfastError} HoldfastError
 * @typedef {'general' | 'invitations'} Tab
 */

export class RoomSettings {
  #app;
  #room;
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById('room-settings-dialog'));
  #listening = new AbortController();

  /**
   * @param {Room} room
   * @param {App} app
   */
  constructor(room, app) {
    this.#room = room;
    this.#app = app;
  }

  /** @param {Tab} [tab] */
  open(tab = 'general') {
    const { signal } = this.#listening;
    this.#fill();
    this.#form.addEventListener('submit', (event) => this.#submit(event, () => this.#save()), {
      signal,
    });
    const make = /** @type {HTMLFormElement} */ (slot(this.#dialog, 'make-link'));
    make.addEventListener(
      'submit',
      (event) => this.#submit(event, () => this.#make(new FormData(make))),
      { signal },
    );
    onAction(
      this.#dialog,
      {
        cancel: () => this.#dialog.close(),
        archive: () => this.#archive(),
        'copy-url': () =>
          void this.#app.copy(/** @type {HTMLInputElement} */ (slot(this.#dialog, 'url')).value),
        revoke: (_event, element) =>
          void this.#try(() =>
            this.#revoke(
              Number(/** @type {HTMLElement} */ (element.closest('li')).dataset.invitation),
            ),
          ),
      },
      signal,
    );
    for (const button of this.#tabs)
      button.addEventListener('click', () => this.#show(/** @type {Tab} */ (button.dataset.tab)), {
        signal,
      });
    const tabs = /** @type {HTMLElement} */ (this.#dialog.querySelector('[role="tablist"]'));
    onKey(tabs, (event) => this.#arrow(event), { signal });
    this.#dialog.addEventListener('close', () => this.#listening.abort(), { once: true });
    this.#dialog.showModal();
    this.#show(tab);
    if (tab === 'general')
      /** @type {HTMLElement} */ (this.#form.elements.namedItem('name')).focus();
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (
      this.#dialog.querySelector('[data-panel="general"] form')
    );
  }

  get #tabs() {
    return /** @type {HTMLElement[]} */ ([...this.#dialog.querySelectorAll('[data-tab]')]);
  }

  #fill() {
    const { data } = this.#room;
    this.#form.reset();
    this.#field('name').value = data.name;
    this.#field('topic').value = data.topic;
    this.#field('slow_mode').value = String(data.slow_mode);
    this.#field('read_only').checked = data.read_only;
    this.#field('read_receipts').checked = data.read_receipts;
    slot(this.#dialog, 'receipts').hidden = !this.#isOwner;
    this.#complain('');
    const archived = Boolean(data.archived_at);
    slot(this.#dialog, 'name').hidden = false;
    slot(this.#dialog, 'free-name').hidden = true;
    slot(this.#dialog, 'archive').hidden = !this.#isOwner;
    setText(this.#dialog, 'archive-title', archived ? words.unarchiveTitle : words.archiveTitle);
    setText(this.#dialog, 'archive-text', archived ? words.unarchiveText : words.archiveText);
    setText(this.#dialog, 'archive-do', archived ? words.unarchiveDo : words.archiveDo);
    slot(this.#dialog, 'made').hidden = true;
    /** @type {HTMLInputElement} */ (slot(this.#dialog, 'url')).value = '';
    slot(this.#dialog, 'invitations').replaceChildren();
  }

  /** @param {string} name */
  #field(name) {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem(name));
  }

  get #isOwner() {
    return (
      this.#app.me.moderator || (this.#room.isMember && this.#room.membership?.role === 'owner')
    );
  }

  /** @param {Tab} tab */
  #show(tab) {
    for (const button of this.#tabs) {
      const selected = button.dataset.tab === tab;
      button.setAttribute('aria-selected', String(selected));
      button.tabIndex = selected ? 0 : -1;
    }
    for (const panel of /** @type {NodeListOf<HTMLElement>} */ (
      this.#dialog.querySelectorAll('[data-panel]')
    ))
      panel.hidden = panel.dataset.panel !== tab;
    this.#complain('');
    if (tab === 'invitations') void this.#try(() => this.#list());
  }

  /** @param {KeyboardEvent} event */
  #arrow(event) {
    const rtl = document.documentElement.dir === 'rtl';
    const step = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const tabs = this.#tabs;
    const at = tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
    const next = tabs[(at + step + tabs.length) % tabs.length];
    this.#show(/** @type {Tab} */ (next.dataset.tab));
    next.focus();
  }

  async #save() {
    // Enter in the field for a new name.
    if (!slot(this.#dialog, 'free-name').hidden) return this.#unarchive();
    if (!this.#form.reportValidity()) return;
    const receipts = this.#field('read_receipts').checked;
    const changes = {
      ...(receipts === this.#room.data.read_receipts ? {} : { read_receipts: receipts }),
      name: this.#field('name').value.trim(),
      topic: this.#field('topic').value.trim(),
      slow_mode: Number(this.#field('slow_mode').value),
      read_only: this.#field('read_only').checked,
    };
    await this.#app.api.patch(`/api/rooms/${this.#room.id}/`, changes);
    toast(words.saved);
    this.#dialog.close();
  }

  #archive() {
    const archived = !this.#room.data.archived_at;
    if (!archived) return void this.#try(() => this.#unarchive());
    const change = async () => {
      await this.#app.api.patch(`/api/rooms/${this.#room.id}/`, { archived });
      toast(words.archivedDone);
    };
    this.#dialog.close();
    void this.#app.dialogs.confirm(
      {
        heading: words.archiveQuestion(this.#room.title),
        text: words.archiveText,
        confirm: words.archiveDo,
      },
      change,
    );
  }

  /** Where another room has the name by now, ask for a new one. */
  async #unarchive() {
    const field = slot(this.#dialog, 'free-name');
    const name = field.hidden ? {} : { name: this.#field('free_name').value.trim() };
    try {
      await this.#app.api.patch(`/api/rooms/${this.#room.id}/`, { archived: false, ...name });
    } catch (error) {
      if (!field.hidden || /** @type {HoldfastError} */ (error).data?.field !== 'name') throw error;
      this.#askForName();
      return;
    }
    toast(words.unarchivedDone);
    this.#dialog.close();
  }

  #askForName() {
    const field = this.#field('free_name');
    field.value = this.#room.data.name;
    slot(this.#dialog, 'name').hidden = true;
    slot(this.#dialog, 'free-name').hidden = false;
    field.select();
    slot(this.#dialog, 'archive').scrollIntoView({ block: 'nearest' });
  }

  async #list() {
    const { invitations } = await this.#app.api.get(`/api/rooms/${this.#room.id}/invitations`);
    slot(this.#dialog, 'invitations').replaceChildren(
      ...invitations.map((/** @type {Row} */ row) => invitationRow(row)),
    );
    slot(this.#dialog, 'no-invitations').hidden = invitations.length > 0;
  }

  /** @param {FormData} data */
  async #make(data) {
    const wanted = { seconds: Number(data.get('seconds')), max_uses: Number(data.get('max_uses')) };
    const { url } = await this.#app.api.post(`/api/rooms/${this.#room.id}/invitations`, wanted);
    const field = /** @type {HTMLInputElement} */ (slot(this.#dialog, 'url'));
    field.value = url;
    slot(this.#dialog, 'made').hidden = false;
    field.focus();
    field.select();
    await this.#list();
  }

  /** @param {number} id */
  async #revoke(id) {
    await this.#app.api.request('DELETE', `/api/rooms/${this.#room.id}/invitations/${id}`);
    await this.#list();
  }

  /** @param {Event} event @param {() => Promise<void>} act */
  #submit(event, act) {
    event.preventDefault();
    void this.#try(act);
  }

  /** @param {() => Promise<void>} act */
  async #try(act) {
    this.#complain('');
    try {
      await act();
    } catch (error) {
      this.#complain(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} message */
  #complain(message) {
    setText(this.#dialog, 'error', message);
    slot(this.#dialog, 'error').hidden = message === '';
  }
}

/** @param {Row} row */
function invitationRow(row) {
  const element = clone('invite-link-template');
  element.dataset.invitation = String(row.id);
  setText(element, 'uses', words.linkUses(row.uses, row.max_uses));
  setText(element, 'until', words.linkUntil(dayAndClock(row.expires_at)));
  setText(element, 'by', words.linkBy(row.created_by.name));
  return element;
}
