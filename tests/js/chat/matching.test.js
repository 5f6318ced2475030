import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { fit, MATCH, rank } from '../../../chat/static/chat/lib/matching.js';
import {
  isLetter,
  isPressed,
  SHORTCUTS,
  Shortcuts,
} from '../../../chat/static/chat/lib/shortcuts.js';
import { RecentRooms } from '../../../chat/static/chat/sidebar/recent_rooms.js';

/** @param {string} key @param {object} [modifiers] @returns {any} */
const press = (key, modifiers = {}) => ({
  key,
  code: '',
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...modifiers,
});

/** @returns {any} */
function storage() {
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  };
}

describe('a name fits', () => {
  const name = 'Release planning (Café)';

  test('best at its start, then at a word, inside, and scattered', () => {
    assert.deepEqual(
      ['rel', 'plan', 'lease', 'rlpl', 'xyz'].map((typed) => fit(typed, name)),
      [MATCH.start, MATCH.word, MATCH.inside, MATCH.scattered, MATCH.none],
    );
  });

  test('without regard to case and accents, and word by word', () => {
    assert.equal(fit('CAFE', name), MATCH.word);
    assert.equal(fit('plan rel', name), MATCH.word);
    assert.equal(fit('plan nothing', name), MATCH.none);
    assert.equal(fit('', name), MATCH.start);
  });

  test('scattered letters begin at a word', () => {
    assert.equal(fit('pg', name), MATCH.scattered);
    assert.equal(fit('eg', name), MATCH.none);
    assert.equal(fit('gd', 'Gemüse und Garden'), MATCH.scattered);
  });
});

describe('what is found', () => {
  const item = (/** @type {string} */ name, recency = Infinity, alias = name) => ({
    names: [name, alias],
    recency,
  });

  test('is the best first, then the most recent, then by name', () => {
    const items = [
      item('Beta'),
      item('Alphabet'),
      item('Bear', 3),
      item('Bee', 1),
      item('The bench', 0),
    ];
    assert.deepEqual(
      rank('be', items).map(({ names }) => names[0]),
      ['Bee', 'Bear', 'Beta', 'The bench', 'Alphabet'],
    );
  });

  test('is everything, by when it was visited, where nothing was typed', () => {
    assert.deepEqual(
      rank('', [item('c'), item('b', 1), item('a'), item('d', 0)]).map(({ names }) => names[0]),
      ['d', 'b', 'a', 'c'],
    );
  });

  test('may be known by another name', () => {
    assert.deepEqual(rank('mk', [item('Maya', Infinity, 'mk42'), item('Bob')]).length, 1);
  });
});

describe('recent rooms', () => {
  test('are kept in the order of the last visit, for one person', () => {
    const kept = storage();
    const mine = new RecentRooms(1, kept);
    for (const id of [7, 8, 7, 9]) mine.visited(id);
    assert.deepEqual(
      [9, 7, 8, 5].map((id) => mine.recency(id)),
      [0, 1, 2, Infinity],
    );
    assert.equal(new RecentRooms(1, kept).recency(9), 0);
    assert.equal(new RecentRooms(2, kept).recency(9), Infinity);
  });

  test('are bounded, and survive what cannot be read or written', () => {
    const broken = {
      getItem: () => '{',
      setItem: () => {
        throw new Error('full');
      },
    };
    const recent = new RecentRooms(1, broken);
    for (let id = 1; id <= 60; id += 1) recent.visited(id);
    assert.deepEqual(
      [60, 11, 10].map((id) => recent.recency(id)),
      [0, 49, Infinity],
    );
  });
});

describe('a shortcut', () => {
  test('needs exactly its modifiers; ⌘ on a Mac, Ctrl elsewhere', () => {
    assert.equal(isPressed('mod+k', press('k', { ctrlKey: true }), false), true);
    assert.equal(isPressed('mod+k', press('k', { ctrlKey: true }), true), false);
    assert.equal(isPressed('mod+k', press('k', { metaKey: true }), true), true);
    assert.equal(isPressed('mod+k', press('K', { ctrlKey: true, shiftKey: true }), false), false);
    assert.equal(isPressed('alt+arrowup', press('ArrowUp', { altKey: true }), false), true);
    assert.equal(
      isPressed('alt+arrowup', press('ArrowUp', { altKey: true, shiftKey: true }), false),
      false,
    );
  });

  test('of a sign does not care how the keyboard writes it', () => {
    assert.equal(isPressed('?', press('?', { shiftKey: true }), false), true);
    assert.equal(isPressed('mod+/', press('/', { ctrlKey: true, shiftKey: true }), false), true);
    assert.equal(isPressed('+', press('+'), false), true);
    assert.equal(isPressed('r', press('R', { shiftKey: true }), false), false);
  });

  test('is found under Caps Lock, and by its place on a keyboard without Latin letters', () => {
    const at = (/** @type {string} */ code) => ({ code });
    assert.equal(isPressed('r', press('R'), false), true);
    assert.equal(isPressed('mod+b', press('B', { ctrlKey: true }), false), true);
    assert.equal(isPressed('mod+b', press('и', { ctrlKey: true, ...at('KeyB') }), false), true);
    assert.equal(isPressed('r', press('ق', at('KeyR')), false), true);
    assert.equal(isPressed('mod+b', press('لا', { ctrlKey: true, ...at('KeyB') }), false), true);
    assert.equal(isPressed('?', press('؟', { shiftKey: true, ...at('Slash') }), false), true);
    assert.equal(isPressed('mod+i', press('ı', { ctrlKey: true, ...at('KeyI') }), false), true);
    assert.equal(isPressed('u', press('ี', at('KeyU')), false), true);
    assert.equal(isPressed('mod+/', press('ظ', { ctrlKey: true, ...at('Slash') }), false), true);
    // A Latin layout means its letters, wherever they are: Dvorak, AZERTY.
    assert.equal(isPressed('r', press('p', at('KeyR')), false), false);
    assert.equal(isPressed('r', press('é', at('KeyR')), false), false);
  });

  test('of a single key can be switched off, and stays so', () => {
    const kept = storage();
    const shortcuts = new Shortcuts({}, { storage: kept, mac: false });
    assert.equal(shortcuts.action('message', press('r')), 'reply');
    assert.equal(shortcuts.find('help', press('?'))?.name, 'help');
    shortcuts.letters = false;
    const later = new Shortcuts({}, { storage: kept, mac: false });
    assert.equal(later.action('message', press('r')), undefined);
    assert.equal(later.find('help', press('?')), undefined);
    assert.equal(later.find('help', press('/', { ctrlKey: true }))?.name, 'help');
    assert.equal(later.action('message', press('Delete')), 'delete');
  });

  test('is the only one of its key in its place', () => {
    const keys = SHORTCUTS.map(
      ({ group, keys: [key] }) =>
        `${['going', 'reading', 'help'].includes(group) ? 'page' : group}:${key}`,
    );
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(SHORTCUTS.some(({ keys: [key] }) => isLetter(key)));
  });
});
