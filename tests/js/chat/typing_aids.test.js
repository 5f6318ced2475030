import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linkFrom, smileyIn, withEmoji } from '../../../chat/static/chat/composer/typing_aids.js';

test('a smiley that was just typed is an emoji, but not in a word or in code', () => {
  assert.deepEqual(smileyIn('Hello :)'), { from: 6, to: 8, emoji: '🙂' });
  assert.deepEqual(smileyIn(':D '), { from: 0, to: 2, emoji: '😄' });
  assert.equal(smileyIn('I <3')?.emoji, '❤️');
  for (const text of [':D', '(10:30:)', 'a:)', '`x :)', ':) ', 'Hello'])
    assert.equal(smileyIn(text), null, text);
  assert.equal(smileyIn('`code` :)')?.emoji, '🙂');
});

test('smileys and codes of a pasted text are emoji, but not in words and in code', () => {
  const codes = new Map([['tada', '🎉']]);
  assert.equal(withEmoji(':tada: done :)', '', codes), '🎉 done 🙂');
  assert.equal(withEmoji('a\n:TADA:, :D', '', codes), 'a\n🎉, 😄');
  for (const text of ['10:30:45', 'a:tada:', ':unknown:', '`:tada:`', 'https://a.org/:tada:'])
    assert.equal(withEmoji(text, '', codes), text);
  assert.equal(withEmoji(':tada:', 'code: `', codes), ':tada:');
});

test('an address that is pasted over a text becomes its link', () => {
  assert.equal(
    linkFrom('the plan', 'https://example.org/a\n'),
    '[the plan](https://example.org/a)',
  );
  for (const [selected, pasted] of [
    ['', 'https://example.org/'],
    ['the plan', 'not an address'],
    ['https://example.org/old', 'https://example.org/new'],
    ['two\nlines', 'https://example.org/'],
  ])
    assert.equal(linkFrom(selected, pasted), null);
});
