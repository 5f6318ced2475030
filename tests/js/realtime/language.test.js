import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import {
  counted,
  fill,
  gettext,
  pgettext,
} from '../../../realtime/static/realtime/lib/language.js';

/** @type {Record<string, any>} */
const page = globalThis;

describe('language', () => {
  afterEach(() => {
    delete page.gettext;
    delete page.ngettext;
  });

  test('without a catalogue a text stays as it is', () => {
    assert.equal(gettext('Send'), 'Send');
    assert.equal(pgettext('a verb', 'Mute'), 'Mute');
    assert.deepEqual(
      [1, 2].map((count) => counted('%(count)s room', '%(count)s rooms', count)),
      ['1 room', '2 rooms'],
    );
  });

  test('the catalogue of the page is asked', () => {
    page.gettext = (/** @type {string} */ text) => ({ Send: 'Senden' })[text] ?? text;
    page.ngettext = (
      /** @type {string} */ _one,
      /** @type {string} */ _many,
      /** @type {number} */ count,
    ) => (count === 1 ? 'ein Raum' : '%(count)s Räume');
    assert.equal(gettext('Send'), 'Senden');
    assert.equal(counted('%(count)s room', '%(count)s rooms', 1), 'ein Raum');
    assert.equal(counted('%(count)s room', '%(count)s rooms', 3), '3 Räume');
  });

  test('what is put into a text is not read again', () =>
    assert.equal(fill('%(a)s and %(b)s', { a: '%(b)s', b: '$&' }), '%(b)s and $&'));

  test('a place without a value is left', () => assert.equal(fill('%(a)s', {}), '%(a)s'));
});
