/**
 * The notification settings: saves each choice at once, filters rooms, and shows the browser's
 * permission for desktop notifications.
 * @module
 */

import { desktopState, turnOff, turnOn } from '../../notifications/desktop.js';
import { Display } from '../../notifications/display.js';
import { desktopWords } from '../../notifications/words.js';
import { onAction, setText, slot } from '../lib/dom.js';
import { saveEachChoice } from './saving.js';

const root = /** @type {HTMLElement} */ (document.querySelector('[data-settings]'));
const display = new Display({
  user: Number(/** @type {HTMLElement} */ (document.querySelector('[data-me]')).dataset.me),
  icon: /** @type {HTMLLinkElement} */ (document.querySelector('link[rel="icon"]')).href,
});

/**
 * A room is saved by itself. The kinds are saved together, because an unchecked box is not sent.
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement | HTMLSelectElement} field
 */
function chosen(form, field) {
  const fields = new FormData(form);
  if (field instanceof HTMLSelectElement)
    for (const name of [...fields.keys()])
      if (name.startsWith('room-') && name !== field.name) fields.delete(name);
  return fields;
}

saveEachChoice(root, chosen);

const search = /** @type {HTMLInputElement} */ (slot(root, 'search'));
search.addEventListener('input', () => {
  const wanted = search.value.trim().toLowerCase();
  const rooms = /** @type {HTMLElement[]} */ ([...slot(root, 'rooms').children]);
  for (const room of rooms) room.hidden = !(room.dataset.words ?? '').includes(wanted);
  slot(root, 'none').hidden = rooms.some((room) => !room.hidden);
});

onAction(root, {
  'desktop-on': () => void turnOn().then(paintDesktop),
  'desktop-off': () => paintDesktop(turnOff()),
  'desktop-sample': () =>
    display.show({
      tag: 'holdfast.sample',
      title: desktopWords.sample,
      body: desktopWords.sampleText,
      url: location.pathname,
      ids: [],
    }),
});

/** @param {ReturnType<typeof desktopState>} state */
function paintDesktop(state) {
  setText(root, 'desktop-state', desktopWords.states[state]);
  const show = (/** @type {string} */ name, /** @type {boolean} */ shown) => {
    /** @type {HTMLElement} */ (root.querySelector(`[data-do="${name}"]`)).hidden = !shown;
  };
  show('desktop-on', state === 'ask' || state === 'off');
  show('desktop-sample', state === 'on');
  show('desktop-off', state === 'on');
}

paintDesktop(desktopState());
