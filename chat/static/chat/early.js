/**
 * The page before its other scripts have come: on a slow network they need seconds, and people write
 * meanwhile. Imports nearly nothing, so that it is there first.
 *
 * A message that is sent now waits in the page, and in the storage of the tab in case of a reload;
 * the composer takes it over (composer/early_messages.js). The last button that was pressed is
 * pressed again once it does something.
 * @module
 */

import { sends } from './composer/send_key.js';
import { onKey } from './lib/keys.js';

const form = /** @type {HTMLFormElement | null} */ (
  document.querySelector('[data-slot="form"][data-state="loading"]')
);
if (form) listen(form);

document.addEventListener('click', ({ target }) => {
  const button = /** @type {Element} */ (target).closest('button[data-do]');
  if (!button?.closest('.app[data-loading]')) return;
  document.querySelector('[data-asked]')?.removeAttribute('data-asked');
  button.setAttribute('data-asked', '');
});

/** @param {HTMLFormElement} form */
function listen(form) {
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (form.querySelector(`[data-slot="${name}"]`));
  const input = /** @type {HTMLTextAreaElement} */ (part('input'));
  const send = /** @type {HTMLButtonElement} */ (part('send'));
  const list = part('early-list');
  const name = `holdfast.early.${form.dataset.early}`;
  const isEarly = () => form.dataset.state === 'early';

  /** @param {string} text */
  const show = (text) => {
    const item = document.createElement('li');
    item.dir = 'auto';
    item.textContent = text;
    list.append(item);
    part('early').hidden = false;
  };
  const typed = () => {
    if (isEarly()) send.disabled = input.value.trim() === '';
  };

  for (const text of stored(name)) show(text);
  form.dataset.state = 'early';
  typed();
  input.addEventListener('input', typed);
  onKey(input, (event) => {
    if (!isEarly() || !sends(event)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener('submit', (event) => {
    if (!isEarly()) return;
    event.preventDefault();
    const text = input.value.trim();
    if (text === '') return;
    show(text);
    input.value = '';
    typed();
    store(
      name,
      [...list.children].map((item) => item.textContent ?? ''),
    );
  });
}

/** @param {string} name @returns {string[]} */
function stored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? '[]');
  } catch {
    return [];
  }
}

/** @param {string} name @param {string[]} texts */
function store(name, texts) {
  try {
    sessionStorage.setItem(name, JSON.stringify(texts));
  } catch {
    // Storage is forbidden or full: the page still has them.
  }
}
