/**
 * The page of a case: where a phone begins to read, templates of reasons, and how long the last
 * decision can be taken back with one key.
 * @module
 */

const NARROW = '(max-width: 640px)';

if (!location.hash && matchMedia(NARROW).matches)
  document.getElementById('reported')?.scrollIntoView({ block: 'center' });

/** @type {HTMLFormElement | null} */
const undo = document.querySelector('form[data-undo]');
if (undo) setTimeout(() => undo.remove(), Number(undo.dataset.undo));

document.addEventListener('change', (event) => {
  const chosen = /** @type {HTMLElement} */ (event.target);
  if (!(chosen instanceof HTMLSelectElement) || !chosen.dataset.templateFor || !chosen.value)
    return;
  const field = document.getElementById(chosen.dataset.templateFor);
  if (!(field instanceof HTMLTextAreaElement)) return;
  field.value = chosen.value;
  field.focus();
});
