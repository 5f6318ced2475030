import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { spokenTitle } from '../../../notifications/static/notifications/titles.js';
import { habit } from '../../../realtime/static/realtime/lib/time_text.js';

/** @type {Record<string, any>} */
const page = globalThis;

describe('titles of notifications', () => {
  afterEach(() => {
    delete page.gettext;
  });

  test('in English they are what the server has written', () => {
    for (const title of [
      'Bob mentioned you in Lab',
      'Lab: a moderator muted you',
      'Thank you for your report; the message stays.',
    ]) {
      for (const kind of ['mention', 'moderation', 'report', 'unheard'])
        assert.equal(spokenTitle({ kind, title }), title);
    }
  });

  test('a time is said in the language of the page and by the clock of the reader', () => {
    const said = spokenTitle({
      kind: 'moderation',
      title: 'Lab: a moderator muted you until 24 November 2026, 14:00 UTC',
    });
    const time = new Intl.DateTimeFormat(undefined, {
      dateStyle: 'medium',
      timeStyle: 'short',
      ...habit(),
    }).format(new Date('2026-11-24T14:00:00Z'));
    assert.equal(said, `Lab: a moderator muted you until ${time}`);
    const title = 'Lab: a moderator muted you until tomorrow';
    assert.equal(spokenTitle({ kind: 'moderation', title }), title);
  });

  test('in another language the sentence of the kind is said again', () => {
    page.gettext = (/** @type {string} */ text) =>
      ({ '%(name)s mentioned you in %(room)s': 'In %(room)s hat dich %(name)s erwähnt' })[text] ??
      text;
    assert.equal(
      spokenTitle({ kind: 'mention', title: 'Bob mentioned you in Lab' }),
      'In Lab hat dich Bob erwähnt',
    );
    assert.equal(
      spokenTitle({ kind: 'broadcast', title: 'Bob mentioned you in Lab' }),
      'Bob mentioned you in Lab',
    );
  });
});
