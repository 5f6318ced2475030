/**
 * The page of sign-up: solves its proof of work while the visitor fills in the form. A form that is
 * sent earlier waits for it.
 * @module
 */

import { trustedScript } from '../../realtime/lib/trusted.js';
import { slot } from '../lib/dom.js';

const form = /** @type {HTMLFormElement} */ (document.querySelector('form[data-seed]'));
const answer = /** @type {HTMLInputElement} */ (form.elements.namedItem('work_answer'));
const worker = new Worker(trustedScript(form.dataset.worker ?? ''), { type: 'module' });
let sent = false;

worker.addEventListener('message', ({ data }) => {
  answer.value = String(data);
  worker.terminate();
  if (sent) form.submit();
});
worker.postMessage({ seed: form.dataset.seed, bits: Number(form.dataset.bits) });

form.addEventListener('submit', (event) => {
  if (answer.value) return;
  event.preventDefault();
  sent = true;
  slot(form, 'working').hidden = false;
});
