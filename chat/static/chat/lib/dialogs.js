/**
 * The dialogs of the page: each is a `<dialog>` with a form, and shows the errors of its request.
 * @module
 */

import { announce, clone, onAction, setText, slot } from './dom.js';
import { onKey } from './keys.js';
import { PeopleSearch } from './people_search.js';
import { common } from './words.js';

/**
 * @typedef {import('../../realtime/types.js').User} User
 * @typedef {import('../../realtime/types.js').Row} Row
 * @typedef {import('../../realtime/api.js').Api} Api
 *
 * @typedef {object} Question
 * @property {string} heading
 * @property {string} text
 * @property {string} confirm  the label of the button
 * @property {string} [quote]
 * @property {boolean} [reason]  ask for a reason
 * @property {boolean} [duration]  ask for a duration
 * @property {boolean} [endless]  offer "no end", which is the duration 0
 */

/** Of a group conversation, without the user (chat/services/rooms/direct.py). */
const MAX_CHOSEN = 8;

export class Dialogs {
  #api;

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * @param {Question} question
   * @param {(answer: {reason: string, duration: number}) => Promise<void>} act
   */
  confirm(
    { heading, text, confirm, quote = '', reason = false, duration = false, endless = false },
    act,
  ) {
    const dialog = dialogOf('confirm-dialog');
    setText(dialog, 'heading', heading);
    setText(dialog, 'text', text);
    setText(dialog, 'confirm', confirm);
    setText(dialog, 'quote', quote);
    slot(dialog, 'quote').hidden = quote === '';
    slot(dialog, 'reason').hidden = !reason;
    slot(dialog, 'duration').hidden = !duration;
    const end = /** @type {HTMLOptionElement} */ (slot(dialog, 'endless'));
    end.hidden = end.disabled = !endless;
    return ask(dialog, (data) =>
      act({ reason: String(data.get('reason') ?? ''), duration: Number(data.get('duration')) }),
    );
  }

  /** The message that the open dialog quotes has changed. @param {string} text */
  quote(text) {
    const quote = document.querySelector('dialog[open] [data-slot="quote"]');
    if (quote) quote.textContent = text;
  }

  /** @param {(room: {name: string, topic: string, kind: string}) => Promise<void>} act */
  createRoom(act) {
    return ask(dialogOf('create-room-dialog'), (data) =>
      act({ name: text(data, 'name'), topic: text(data, 'topic'), kind: text(data, 'kind') }),
    );
  }

  /**
   * @param {string} heading
   * @param {string} quote
   * @param {(report: {category: string, note: string}) => Promise<void>} act
   */
  report(heading, quote, act) {
    const dialog = dialogOf('report-dialog');
    setText(dialog, 'heading', heading);
    setText(dialog, 'quote', quote);
    return ask(dialog, (data) =>
      act({ category: text(data, 'category'), note: text(data, 'note') }),
    );
  }

  /**
   * Let the user find a person by name.
   * @param {string} heading
   * @param {(person: User) => Promise<void>} act
   */
  findPerson(heading, act) {
    const dialog = dialogOf('find-person-dialog');
    setText(dialog, 'heading', heading);
    const search = new PeopleSearch(dialog, {
      find: (q) => this.#people(q),
      choose: (user) => void finish(dialog, () => act(user)),
      fail: (message) => showError(dialog, message),
    });
    return ask(dialog, async () => {
      await search.chooseFirst();
      return false;
    }).finally(() => search.end());
  }

  /**
   * Let the user choose one person or several.
   * @param {number} me  the user, who is not offered
   * @param {(people: User[]) => Promise<void>} act
   */
  findPeople(me, act) {
    const dialog = dialogOf('find-people-dialog');
    /** @type {Map<number, User>} */
    const chosen = new Map();
    const list = slot(dialog, 'chosen');
    const paint = () => {
      list.replaceChildren(...[...chosen.values()].map((user) => chip(user, () => remove(user))));
      list.hidden = chosen.size === 0;
      slot(dialog, 'error').hidden = true;
    };
    const remove = (/** @type {User} */ user) => {
      chosen.delete(user.id);
      paint();
      search.clear();
      announce(common.removed(user.name));
    };
    const search = new PeopleSearch(dialog, {
      find: async (q) => (await this.#people(q)).filter(({ id }) => id !== me && !chosen.has(id)),
      choose: (user) => {
        if (chosen.size >= MAX_CHOSEN) return showError(dialog, common.enoughChosen);
        chosen.set(user.id, user);
        paint();
        search.clear();
        announce(common.added(user.name));
      },
      fail: (message) => showError(dialog, message),
    });
    paint();
    const keys = new AbortController();
    onKey(
      input(formOf(dialog).elements, 'q'),
      (event) => {
        if (event.key !== 'Enter' || search.typed === '') return;
        event.preventDefault();
        search.chooseFirst().catch((error) => showError(dialog, error.message));
      },
      { signal: keys.signal },
    );
    return ask(dialog, async () => {
      if (chosen.size === 0 && search.typed !== '') await search.chooseFirst();
      if (chosen.size === 0) throw new Error(common.noneChosen);
      await act([...chosen.values()]);
    }).finally(() => {
      keys.abort();
      search.end();
    });
  }

  /** @param {string} q @returns {Promise<User[]>} */
  async #people(q) {
    return (await this.#api.get('/api/users/', { q })).users;
  }
}

/** @param {string} id */
function dialogOf(id) {
  return /** @type {HTMLDialogElement} */ (document.getElementById(id));
}

/** @param {HTMLDialogElement} dialog */
function formOf(dialog) {
  return /** @type {HTMLFormElement} */ (dialog.querySelector('form'));
}

/**
 * @param {HTMLFormControlsCollection} fields
 * @param {string} name
 */
function input(fields, name) {
  return /** @type {HTMLInputElement} */ (fields.namedItem(name));
}

/**
 * @param {FormData} data
 * @param {string} name
 */
function text(data, name) {
  return String(data.get(name) ?? '').trim();
}

/**
 * Open a dialog and run the action of its form. While the action fails, the dialog stays open and
 * shows the error.
 * @param {HTMLDialogElement} dialog
 * @param {(data: FormData) => Promise<void | false>} act  false: the dialog is closed elsewhere
 * @returns {Promise<void>}  when it is closed
 */
function ask(dialog, act) {
  const form = formOf(dialog);
  form.reset();
  slot(dialog, 'error').hidden = true;
  const listening = new AbortController();
  form.addEventListener(
    'submit',
    (event) => {
      event.preventDefault();
      if (!form.reportValidity()) return;
      void finish(dialog, () => act(new FormData(form)));
    },
    { signal: listening.signal },
  );
  onAction(dialog, { cancel: () => dialog.close() }, listening.signal);
  dialog.showModal();
  // The browser would focus the close button.
  firstOf(form)?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        listening.abort();
        const quote = dialog.querySelector('[data-slot="quote"]');
        // The message may be deleted while the dialog is closed.
        if (quote) quote.textContent = '';
        resolve();
      },
      { once: true },
    );
  });
}

/**
 * The first element to focus: the first field, the selected choice, or without fields the cancel
 * button.
 * @param {HTMLFormElement} form
 */
function firstOf(form) {
  const fields = /** @type {HTMLElement[]} */ ([
    ...form.querySelectorAll('input:not([type="radio"]), input:checked, select, textarea'),
  ]);
  const shown = fields.find((field) => field.offsetParent !== null);
  return (
    shown ??
    /** @type {HTMLElement | null} */ (form.querySelector('.form__actions [data-do="cancel"]'))
  );
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {() => Promise<void | false>} act
 */
async function finish(dialog, act) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (
    dialog.querySelectorAll('button[type="submit"]')
  );
  for (const button of buttons) button.disabled = true;
  try {
    if ((await act()) !== false) dialog.close();
  } catch (error) {
    showError(dialog, /** @type {Error} */ (error).message);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {string} message
 */
function showError(dialog, message) {
  setText(dialog, 'error', message);
  slot(dialog, 'error').hidden = false;
}

/**
 * A chosen person, who is taken out of the list by a press.
 * @param {User} person
 * @param {() => void} remove
 */
function chip(person, remove) {
  const element = clone('chosen-template');
  setText(element, 'name', person.name);
  const button = /** @type {HTMLElement} */ (element.firstElementChild);
  button.setAttribute('aria-label', common.remove(person.name));
  button.addEventListener('click', remove);
  return element;
}
