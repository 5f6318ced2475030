/**
 * Keyboard shortcuts: a key presses the button or follows the link with that `data-key`. `?` lists
 * all shortcuts.
 * @module
 */

const FIELDS = 'input, textarea, select, [contenteditable]';

/** @returns {HTMLElement[]} */
const keyed = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-key]')]);

/**
 * As lib/keys.js, which a script that is no module cannot import: in any case, and by the place
 * of the key where the layout has other letters.
 * @param {KeyboardEvent} event
 */
function keyName({ key, code }) {
  const isForeign = /(?!\p{Script=Latin})[\p{L}\p{M}]|^ı$/u.test(key);
  const placed = /^Key([A-Z])$/.exec(code)?.[1] ?? (code === 'Slash' ? '/' : null);
  return ((isForeign && placed) || key).toLowerCase().replace('؟', '?');
}

document.addEventListener('keydown', (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (
    event.isComposing ||
    event.keyCode === 229 ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.repeat ||
    document.querySelector('dialog[open]')
  )
    return;
  if (target.matches(FIELDS)) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  const name = keyName(event);
  if (name === '?') return showKeys(event);
  const found = keyed().find(({ dataset }) => dataset.key === name);
  if (!found) return;
  // Otherwise the letter is typed into the field that gets the focus.
  event.preventDefault();
  if (found.matches(FIELDS)) found.focus();
  else found.click();
});

document.addEventListener('click', (event) => {
  if (/** @type {Element} */ (event.target).closest('[data-keys]')) showKeys(event);
});

// A form is sent once: the second of two fast key presses would decide a case that the moderator
// has not seen.
document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches('.decision')) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = 'yes';
});

window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]'))
    delete (/** @type {HTMLFormElement} */ (form).dataset.sent);
});

/** @param {Event} event */
function showKeys(event) {
  const dialog = /** @type {HTMLDialogElement | null} */ (
    document.querySelector('[data-keys-dialog]')
  );
  const list = dialog?.querySelector('[data-keys-list]');
  if (!dialog || !list) return;
  event.preventDefault();
  list.replaceChildren(...keyed().map(line));
  dialog.showModal();
}

/** @param {HTMLElement} button */
function line(button) {
  const item = document.createElement('li');
  const key = document.createElement('kbd');
  const shown = button.querySelector('kbd')?.textContent ?? '';
  key.textContent = button.dataset.key ?? '';
  const words =
    (button.matches(FIELDS)
      ? document.querySelector(`label[for="${button.id}"]`)?.textContent
      : button.textContent) ?? '';
  item.append(
    key,
    ` ${words
      .trim()
      .replace(new RegExp(`\\s*${shown || key.textContent}$`), '')
      .trim()}`,
  );
  return item;
}
