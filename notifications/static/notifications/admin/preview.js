/**
 * A live preview of the banner while a message is being written in the admin.
 * @module
 */

import { Banner } from '../banner.js';

const holder = /** @type {HTMLElement | null} */ (document.querySelector('[data-preview]'));
const form = /** @type {HTMLFormElement | null} */ (document.getElementById('compose_form'));

if (holder && form) {
  const banner = new Banner(holder, () => {});
  const value = (/** @type {string} */ name) => String(new FormData(form).get(name) ?? '').trim();
  const paint = () => {
    const row = {
      id: 0,
      seq: 0,
      title: value('title'),
      body: value('body'),
      url: value('url'),
      level: value('level') || 'info',
    };
    banner.show(row.title || row.body ? [row] : []);
  };
  form.addEventListener('input', paint);
  form.addEventListener('change', paint);
  paint();
}
