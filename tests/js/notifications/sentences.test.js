import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import '../../../chat/static/chat/inbox/kinds.js';
import {
  detail,
  icon,
  sentence,
  summary,
} from '../../../notifications/static/notifications/kinds.js';
import { momentText } from '../../../realtime/static/realtime/lib/time_text.js';

/** @type {Record<string, any>} */
const page = globalThis;

/** @param {string} kind @param {object} [params] @param {object} [rest] @returns {any} */
const row = (kind, params = {}, rest = {}) => ({
  kind,
  title: '',
  body: '',
  actor: { id: 2, username: 'bob', name: 'Bob' },
  params: { room: { id: 1, slug: 'lab', name: 'Lab' }, message: 7, ...params },
  ...rest,
});

/** @param {number} count @param {number} [others] */
const reaction = (count, others = 0) =>
  row('reaction', {
    people: ['Ada', 'Bob', 'Eve'].slice(0, count).map((name, id) => ({ id, name })),
    others,
    emoji: ['👍'],
  });

describe('sentences of notifications', () => {
  afterEach(() => {
    delete page.gettext;
    delete page.ngettext;
  });

  test('who and where', () => {
    assert.equal(sentence(row('mention')), 'Bob mentioned you in Lab');
    assert.equal(sentence(row('mention', { room: { id: 1, name: '' } })), 'Bob mentioned you');
    assert.equal(sentence(row('direct')), 'Bob wrote to you');
    assert.equal(sentence(row('direct', {}, { actor: null })), 'Someone wrote to you');
  });

  test('a name that looks like a sentence or a place stays as it is', () => {
    const room = { id: 1, slug: 'x', name: '%(name)s mentioned you in $& Lab' };
    assert.equal(sentence(row('mention', { room })), `Bob mentioned you in ${room.name}`);
  });

  test('moderators are notified of raid mode and of signs of a raid', () => {
    const time = '2026-11-29T14:00:00Z';
    const on = row('raid', { act: 'on', until: time });
    assert.equal(sentence(on), `Bob switched on raid mode until ${momentText(time)}`);
    assert.equal(sentence(row('raid', { act: 'off' })), 'Bob switched off raid mode');
    assert.match(sentence(row('raid', { act: 'signs' })), /^New accounts keep sending the same/);
  });

  test('people who react are named, and then counted', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((count) => sentence(reaction(count))),
      [
        'Someone reacted to your message in Lab',
        'Ada reacted to your message in Lab',
        'Ada and Bob reacted to your message in Lab',
        'Ada, Bob and Eve reacted to your message in Lab',
      ],
    );
    assert.equal(
      sentence(reaction(3, 1)),
      'Ada, Bob, Eve and 1 other reacted to your message in Lab',
    );
    assert.equal(
      sentence(reaction(3, 4)),
      'Ada, Bob, Eve and 4 others reacted to your message in Lab',
    );
  });

  test('a time is shown in the language of the page and by the clock of the reader', () => {
    const until = '2026-11-24T14:00:00Z';
    assert.equal(
      sentence(row('moderation', { act: 'mute', until })),
      `Bob, a site moderator, muted you in Lab until ${momentText(until)}`,
    );
  });

  test('in another language the sentence is the translated one', () => {
    page.gettext = (/** @type {string} */ text) =>
      ({ '%(name)s mentioned you in %(room)s': 'In %(room)s hat dich %(name)s erwähnt' })[text] ??
      text;
    assert.equal(sentence(row('mention')), 'In Lab hat dich Bob erwähnt');
  });

  test('a moderator who gives no reason is represented by the category', () => {
    const removed = (/** @type {string} */ body) =>
      row('moderation', { act: 'delete', category: 'spam' }, { body });
    assert.deepEqual(
      [detail(removed('Advertising')), detail(removed(''))],
      ['Advertising', 'Spam'],
    );
  });

  test('several in one entry', () => {
    assert.equal(summary(row('message'), 3), '3 messages in Lab');
    assert.equal(summary(row('direct'), 1), '1 message from Bob');
    assert.equal(summary(reaction(1), 5), '5 reactions to your message');
  });

  test('a kind that nobody registered shows its title', () => {
    assert.equal(sentence(row('news', {}, { title: 'Hello' })), 'Hello');
    assert.equal(icon(row('news')), 'bell');
    assert.equal(sentence(row('broadcast')), 'A message from the administrators');
  });
});
