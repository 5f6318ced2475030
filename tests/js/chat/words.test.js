import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { words as composerWords } from '../../../chat/static/chat/composer/words.js';
import { dayName, duration, few, initials } from '../../../chat/static/chat/lib/words.js';
import { words as roomWords } from '../../../chat/static/chat/rooms/words.js';
import { fill } from '../../../realtime/static/realtime/lib/language.js';

describe('words', () => {
  test('counts that no badge could hold are cut', () =>
    assert.deepEqual([0, 99, 100].map(few), ['0', '99', '99+']));

  test('initials are letters, whatever the name begins with', () => {
    assert.deepEqual(
      ['Alice Moreau', 'bob', 'anna_maria', '  ', '(x) Émile', '李雷'].map(initials),
      ['AM', 'b', 'am', '?', 'É', '李'],
    );
  });

  test('a waiting time is never nothing', () => {
    assert.deepEqual([0, 1, 59, 61, 7200, 172_800].map(duration), [
      '1 second',
      '1 second',
      '59 seconds',
      '2 minutes',
      '2 hours',
      '2 days',
    ]);
  });

  test('yesterday has a name also across a month', () => {
    const now = new Date(2026, 10, 1, 9);
    assert.equal(dayName(new Date(2026, 10, 1, 0, 5).toISOString(), now), 'Today');
    assert.equal(dayName(new Date(2026, 9, 31, 23, 55).toISOString(), now), 'Yesterday');
    assert.match(dayName(new Date(2025, 9, 31, 12).toISOString(), now), /2025/);
  });

  test('a crowd that types is not listed', () => {
    assert.equal(roomWords.typing([]), '');
    assert.equal(roomWords.typing(['Bob']), 'Bob is typing…');
    assert.equal(roomWords.typing(['Bob', 'Charlie']), 'Bob and Charlie are typing…');
    assert.equal(roomWords.typing(['A', 'B', 'C', 'D']), 'Several people are typing…');
  });

  test('what is left of a message is shown in both directions', () => {
    assert.deepEqual([1, 0, -1, -5].map(composerWords.left), [
      '1 character left',
      '0 characters left',
      '1 character over the limit',
      '5 characters over the limit',
    ]);
  });
});

test('a name that is written from the right, or turns the text, is isolated in a sentence', () => {
  const sentence = (/** @type {string} */ name) => fill('%(name)s is typing…', { name });
  assert.equal(sentence('Eve'), 'Eve is typing…');
  assert.equal(sentence('\u202eevil'), '\u2068evil\u2069 is typing…');
  assert.equal(sentence('דן'), '\u2068דן\u2069 is typing…');
  assert.equal(sentence('a\u2069b'), '\u2068ab\u2069 is typing…');
  assert.equal(fill('%(count)s', { count: 3 }), '3');
});
