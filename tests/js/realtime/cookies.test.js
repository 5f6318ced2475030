import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { setCookie } from '../../../realtime/static/realtime/lib/cookies.js';

/** @type {Record<string, any>} */
const page = globalThis;

afterEach(() => {
  delete page.location;
  delete page.document;
});

/** @param {string} protocol */
function open(protocol) {
  page.location = { protocol };
  page.document = { cookie: '' };
}

test('with HTTPS no other host can set the cookie', () => {
  open('https:');
  setCookie('last_room', 'lab', 60);
  assert.equal(
    page.document.cookie,
    '__Host-last_room=lab; path=/; max-age=60; samesite=lax; secure',
  );
});

test('without HTTPS browsers would refuse the prefix', () => {
  open('http:');
  setCookie('last_room', '', 0);
  assert.equal(page.document.cookie, 'last_room=; path=/; max-age=0; samesite=lax');
});
