/**
 * The table of all emoji in the user's language, loaded when the picker opens or a text like ":sm"
 * is typed. No DOM.
 * @module
 */

import { locale } from '../../realtime/lib/language.js';
import { plain } from '../lib/matching.js';

/**
 * @typedef {object} Emoji
 * @property {string} sign
 * @property {string[]} codes  short codes such as "tada", without colons
 * @property {string} name
 * @property {string} found  the searchable words, without accents and case
 *
 * @typedef {{name: string, emoji: Emoji[]}} Group
 */

/** @type {Record<string, () => Promise<{default: string}>>} */
const NAMES = {
  en: () => import('../vendor/emoji/en.js'),
  de: () => import('../vendor/emoji/de.js'),
  ar: () => import('../vendor/emoji/ar.js'),
};

/** @type {Promise<Group[]> | null} */
let loading = null;

/** @returns {Promise<Group[]>} */
export function emojiGroups() {
  loading ??= load().catch((error) => {
    // Without the network, the next call tries again.
    loading = null;
    throw error;
  });
  return loading;
}

async function load() {
  const language = (locale() ?? 'en').split('-')[0];
  const [all, names] = await Promise.all([
    import('../vendor/emoji/all.js'),
    (NAMES[language] ?? NAMES.en)(),
  ]);
  return parseTable(all.default, names.default, all.GROUPS);
}

/**
 * @param {string} all  a line for each emoji, with its codes
 * @param {string} names  a line for each emoji, with its name and keywords
 * @param {Record<string, number>} groups  the first line of each group
 * @returns {Group[]}
 */
export function parseTable(all, names, groups) {
  const said = names.trim().split('\n');
  const table = all
    .trim()
    .split('\n')
    .map((line, at) => {
      const [sign, ...codes] = line.trim().split(' ');
      const [name, more = ''] = said[at].split('|');
      return {
        sign,
        codes,
        name,
        found: plain(
          [name, more, codes.join(' ').replaceAll(/[_-]/g, ' '), codes.join(' ')].join(' '),
        ),
      };
    });
  const starts = Object.entries(groups);
  return starts.map(([name, from], at) => ({
    name,
    emoji: table.slice(from, starts[at + 1]?.[1]),
  }));
}

/**
 * The emoji that match: each typed word begins one of their words. Those whose code or name begins
 * with the text come first.
 * @param {Group[]} groups
 * @param {string} typed
 * @param {number} most
 */
export function searchEmoji(groups, typed, most) {
  const wanted = plain(typed)
    .split(/[\s_:-]+/)
    .filter(Boolean);
  if (wanted.length === 0) return [];
  const whole = plain(typed).trim();
  /** @type {Emoji[][]} */
  const found = [[], [], []];
  for (const { emoji } of groups) {
    for (const one of emoji) {
      const fits = wanted.every((word) => ` ${one.found}`.includes(` ${word}`));
      if (fits)
        found[
          one.codes.includes(whole)
            ? 0
            : one.codes.some((code) => code.startsWith(whole)) || plain(one.name).startsWith(whole)
              ? 1
              : 2
        ].push(one);
    }
  }
  return found.flat().slice(0, most);
}

/**
 * The target of an arrow key in several grids, one below the other.
 * @param {number[]} counts  the items of each grid
 * @param {number} columns  of all grids
 * @param {number} at  the index over all grids
 * @param {'next' | 'previous' | 'below' | 'above' | 'first' | 'last'} way
 */
export function stepInGrids(counts, columns, at, way) {
  const last = counts.reduce((sum, count) => sum + count, 0) - 1;
  if (way === 'next') return Math.min(at + 1, last);
  if (way === 'previous') return Math.max(at - 1, 0);
  if (way === 'first') return 0;
  if (way === 'last') return last;
  let start = 0;
  let grid = 0;
  while (at >= start + counts[grid]) start += counts[grid++];
  const column = (at - start) % columns;
  const row = Math.floor((at - start) / columns);
  if (way === 'below') {
    const rows = Math.ceil(counts[grid] / columns);
    if (row + 1 < rows) return Math.min(at + columns, start + counts[grid] - 1);
    const next = nearest(counts, grid, 1);
    return next < 0 ? at : start + counts[grid] + Math.min(column, counts[next] - 1);
  }
  if (row > 0) return at - columns;
  const before = nearest(counts, grid, -1);
  if (before < 0) return at;
  const lastRow = Math.floor((counts[before] - 1) / columns) * columns;
  return start - counts[before] + Math.min(lastRow + column, counts[before] - 1);
}

/**
 * The next grid that is not empty.
 * @param {number[]} counts
 * @param {number} grid
 * @param {1 | -1} way
 */
function nearest(counts, grid, way) {
  for (let at = grid + way; at >= 0 && at < counts.length; at += way) if (counts[at] > 0) return at;
  return -1;
}
