import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { spokenTitle } from '../../notifications/static/notifications/titles.js';

/** @type {Record<string, any>} */
const page = globalThis;

describe('titles of notifications', () => {
  afterEach(() => {
    delete page.gettext;
  });

  test('in English they are what the server has written', () => {
    for (const title of ['Bob mentioned you in Lab', 'Lab: a moderator muted you', 'Thank you for your report; the message stays.']) {
      for (const kind of ['mention', 'moderation', 'report', 'unheard']) assert.equal(spokenTitle({ kind, title }), title);
    }
  });

  test('in another language the sentence of the kind is said again', () => {
    page.gettext = (/** @type {string} */ text) => ({ '%(name)s mentioned you in %(room)s': 'In %(room)s hat dich %(name)s erwähnt' })[text] ?? text;
    assert.equal(spokenTitle({ kind: 'mention', title: 'Bob mentioned you in Lab' }), 'In Lab hat dich Bob erwähnt');
    assert.equal(spokenTitle({ kind: 'broadcast', title: 'Bob mentioned you in Lab' }), 'Bob mentioned you in Lab');
  });
});
