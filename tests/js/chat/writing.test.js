import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseTable,
  searchEmoji,
  stepInGrids,
} from '../../../chat/static/chat/composer/emoji_table.js';
import { formatted } from '../../../chat/static/chat/composer/formatting.js';
import { heightAboveKeyboard } from '../../../chat/static/chat/lib/keyboard.js';
import { splitAtRooms } from '../../../chat/static/chat/timeline/room_links.js';
import * as all from '../../../chat/static/chat/vendor/emoji/all.js';
import arabic from '../../../chat/static/chat/vendor/emoji/ar.js';
import german from '../../../chat/static/chat/vendor/emoji/de.js';
import english from '../../../chat/static/chat/vendor/emoji/en.js';

/**
 * The text after a format, with [ ] around what is selected; the text before is written the same
 * way.
 * @param {import('../../../chat/static/chat/composer/formatting.js').Format} format
 * @param {string} before
 */
function after(format, before) {
  const start = before.indexOf('[');
  const end = before.indexOf(']') - 1;
  const text = before.replace('[', '').replace(']', '');
  const change = formatted(format, text, start, end);
  const result = text.slice(0, change.start) + change.text + text.slice(change.end);
  return `${result.slice(0, change.from)}[${result.slice(change.from, change.to)}]${result.slice(change.to)}`;
}

describe('formatting', () => {
  test('a selection is wrapped, and stays selected', () => {
    assert.equal(after('bold', 'so [loud] here'), 'so **[loud]** here');
    assert.equal(after('italic', '[soft]'), '*[soft]*');
    assert.equal(after('code', 'run [make]'), 'run `[make]`');
    assert.equal(after('strike', '[gone]'), '~~[gone]~~');
  });

  test('space at its edges stays outside, because it would be no markup inside', () => {
    assert.equal(after('bold', 'so[ loud ]here'), 'so **[loud]** here');
  });

  test('nothing selected: one writes between the marks', () =>
    assert.equal(after('bold', 'so []'), 'so **[]**'));

  test('the same again takes it away', () => {
    assert.equal(after('bold', 'so **[loud]** here'), 'so [loud] here');
    assert.equal(after('italic', '***[both]***'), '**[both]**');
    assert.equal(after('italic', '**[loud]**'), '***[loud]***');
    assert.equal(after('quote', '> one\n> [two]'), '> one\n[two]');
  });

  test('each line gets its prefix', () => {
    assert.equal(after('list', 'x\no[ne\ntw]o\ny'), 'x\n[- one\n- two]\ny');
    assert.equal(after('quote', '[]'), '> []');
  });

  test('lines of code get a fence of their own', () => {
    assert.equal(after('code', 'see [a\nb] there'), 'see \n```\n[a\nb]\n```\n there');
    assert.equal(after('codeBlock', '[]'), '```\n[]\n```');
  });

  test('a link asks for what is missing', () => {
    assert.equal(after('link', '[the plan]'), '[the plan]([https://])'.replace('[the', '[the'));
    assert.equal(formatted('link', 'https://a.org', 0, 13).text, '[](https://a.org)');
    assert.equal(formatted('link', '', 0, 0).from, 1);
  });
});

describe('emoji', () => {
  const groups = parseTable(all.default, english, all.GROUPS);

  test('each is in each language', () => {
    const count = all.default.trim().split('\n').length;
    for (const names of [english, german, arabic])
      assert.equal(names.trim().split('\n').length, count);
    assert.equal(groups.length, 9);
    assert.equal(
      groups.reduce((sum, { emoji }) => sum + emoji.length, 0),
      count,
    );
  });

  const first = (/** @type {string} */ typed, found = groups) =>
    searchEmoji(found, typed, 5)[0]?.sign;

  test('one is found by its code, its name, or another word', () => {
    assert.equal(first('tada'), '🎉');
    assert.equal(first('+1'), '👍');
    assert.equal(first('smile'), '😄');
    assert.equal(first('rocket'), '🚀');
    assert.equal(first('zzzqq'), undefined);
    assert.deepEqual(searchEmoji(groups, ' ', 5), []);
  });

  test('codes are the same in every language, and names are one’s own', () => {
    const own = parseTable(all.default, german, all.GROUPS);
    assert.equal(first('tada', own), '🎉');
    assert.equal(first('rakete', own), '🚀');
    assert.equal(first('صاروخ', parseTable(all.default, arabic, all.GROUPS)), '🚀');
  });

  test('arrows walk through all grids', () => {
    const counts = [3, 0, 5];
    assert.equal(stepInGrids(counts, 2, 0, 'next'), 1);
    assert.equal(stepInGrids(counts, 2, 0, 'previous'), 0);
    assert.equal(stepInGrids(counts, 2, 0, 'below'), 2);
    assert.equal(stepInGrids(counts, 2, 1, 'below'), 2, 'the row below is shorter');
    assert.equal(stepInGrids(counts, 2, 2, 'below'), 3);
    assert.equal(stepInGrids(counts, 2, 4, 'above'), 2);
    assert.equal(stepInGrids(counts, 2, 7, 'below'), 7);
    assert.equal(stepInGrids(counts, 2, 7, 'above'), 5);
    assert.equal(stepInGrids(counts, 2, 1, 'above'), 1);
    assert.equal(stepInGrids(counts, 2, 1, 'last'), 7);
  });
});

describe('names of rooms', () => {
  const lab = { url: '/rooms/the-lab/', title: 'The lab' };
  const find = (/** @type {string} */ slug) => (slug === 'the-lab' ? lab : null);

  test('a room of mine is a link, everything else is text', () => {
    assert.deepEqual(splitAtRooms('see #the-lab, or #secret', find), [
      'see ',
      { name: '#the-lab', ...lab },
      ', or #secret',
    ]);
    for (const text of ['a#the-lab', '/x/#the-lab', '##the-lab', '#the-lab-2', '#the'])
      assert.deepEqual(splitAtRooms(text, find), [text]);
  });
});

test('a keyboard on the glass makes the page lower, a bar of the browser and a zoom do not', () => {
  assert.equal(heightAboveKeyboard({ height: 420.4, scale: 1 }, 760), 420);
  assert.equal(heightAboveKeyboard({ height: 700, scale: 1 }, 760), null);
  assert.equal(heightAboveKeyboard({ height: 380, scale: 2 }, 760), null);
});
