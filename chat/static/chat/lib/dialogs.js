/**
 * The dialogs of the page: each is a `<dialog>` with a form, and shows the errors of its request.
 * @module
 */

import { clone, onAction, setAvatar, setText, slot } from './dom.js';
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

/** After the last key, before the search. */
const SEARCH_DELAY_MS = 200;

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
    const found = slot(dialog, 'found');
    found.replaceChildren();
    const listening = new AbortController();
    let timer = 0;
    let shownFor = '';
    const search = async (/** @type {string} */ q) => {
      const { users } = await this.#api.get('/api/users/', { q });
      // The text has changed meanwhile.
      if (input(formOf(dialog).elements, 'q').value.trim() !== q) return;
      shownFor = q;
      found.replaceChildren(
        ...users.map((/** @type {User} */ user) =>
          personButton(user, () => finish(dialog, () => act(user))),
        ),
      );
      if (users.length === 0) found.textContent = common.nobodyFound;
    };
    const field = input(formOf(dialog).elements, 'q');
    field.addEventListener(
      'input',
      () => {
        clearTimeout(timer);
        const q = field.value.trim();
        shownFor = '';
        if (q === '') return found.replaceChildren();
        timer = window.setTimeout(
          () => search(q).catch((error) => showError(dialog, error.message)),
          SEARCH_DELAY_MS,
        );
      },
      { signal: listening.signal },
    );
    return ask(dialog, async () => {
      const q = field.value.trim();
      clearTimeout(timer);
      // Enter was pressed before the list was loaded.
      if (q !== '' && q !== shownFor) await search(q);
      const first = found.querySelector('button');
      if (!first) throw new Error(common.nobodyFound);
      first.click();
      return false;
    }).finally(() => listening.abort());
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
 * @param {User} person
 * @param {() => void} chosen
 */
function personButton(person, chosen) {
  const element = clone('person-template');
  setAvatar(element, person);
  setText(element, 'name', person.name);
  setText(element, 'username', `@${person.username}`);
  /** @type {HTMLElement} */ (element.firstElementChild).addEventListener('click', chosen);
  return element;
}
