/**
 * Forms of settings that save each choice at once, without a button.
 * @module
 */

import { desktopWords } from '../../notifications/words.js';
import { parse, setText, slot } from '../lib/dom.js';

const SAVED_MS = 2500;

let saves = Promise.resolve();
let timer = 0;

/**
 * @param {HTMLElement} root  the page; it has the slots `saved`, `error` and `error-words`
 * @param {(form: HTMLFormElement, field: HTMLInputElement | HTMLSelectElement) => FormData} chosen
 * @param {(field: HTMLInputElement | HTMLSelectElement) => void} [saved]
 */
export function saveEachChoice(root, chosen, saved) {
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (
    root.querySelectorAll('form[data-saves]')
  )) {
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('change', (event) => {
      const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target);
      const fields = chosen(form, field);
      // In the order of the choices.
      saves = saves.then(async () => {
        if (await save(root, fields)) saved?.(field);
      });
    });
  }
}

/** @param {HTMLElement} root @param {FormData} fields @returns {Promise<boolean>} */
async function save(root, fields) {
  const refused = await fetch(location.pathname, {
    method: 'POST',
    body: fields,
    credentials: 'same-origin',
  }).then(
    async (response) =>
      response.ok
        ? ''
        : (parse(await response.text()).querySelector('[data-slot="error-words"]')?.textContent ??
          desktopWords.notSaved),
    () => desktopWords.notSaved,
  );
  slot(root, 'error').hidden = refused === '';
  setText(root, 'error-words', refused);
  slot(root, 'saved').hidden = refused !== '';
  clearTimeout(timer);
  timer = window.setTimeout(() => (slot(root, 'saved').hidden = true), SAVED_MS);
  return refused === '';
}
