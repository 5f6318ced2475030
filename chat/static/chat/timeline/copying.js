/**
 * Copying over several messages gives each with its author and time. Copying within one message
 * gives what is selected, as everywhere.
 * @module
 */

import { slot } from '../lib/dom.js';
import { dayAndClock } from '../lib/words.js';

/** @param {HTMLElement} list  the messages */
export function copyWithNames(list) {
  list.addEventListener('copy', (event) => {
    const selection = getSelection();
    if (!selection || selection.rangeCount === 0) return;
    const range = selection.getRangeAt(0);
    const messages = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('.message')]).filter(
      (message) => range.intersectsNode(slot(message, 'body')),
    );
    if (messages.length < 2) return;
    event.preventDefault();
    event.clipboardData?.setData('text/plain', messages.map(inWords).join('\n\n'));
  });
}

/** @param {HTMLElement} message */
function inWords(message) {
  const time = message.querySelector('time')?.dateTime;
  const author = slot(message, 'author').textContent ?? '';
  const head = [author, time && dayAndClock(time)].filter(Boolean).join(', ');
  // biome-ignore lint/performance/useDomNodeTextContent: it would join paragraphs and list items.
  return `${head}\n${slot(message, 'body').innerText.trim()}`;
}
