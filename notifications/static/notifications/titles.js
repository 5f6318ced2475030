/**
 * Titles of notifications in the reader's language: one of the sentences of its kind is found and
 * said again. See notifications/titles.py.
 * @module
 */

import { fill, gettext } from '../realtime/lib/language.js';
import { spokenMoment } from '../realtime/lib/time_text.js';
import { sentences } from './words.js';

/** @type {Map<string, RegExp>} */
const patterns = new Map();

/** @param {string} sentence */
function pattern(sentence) {
  let found = patterns.get(sentence);
  if (!found) {
    const places = sentence
      .replaceAll(/[.;:?]/g, String.raw`\$&`)
      .replaceAll(
        /%\((\w+)\)s/g,
        (_whole, name) => `(?<${name}>${name === 'count' ? '[0-9]+' : '.+'})`,
      );
    found = new RegExp(`^${places}$`, 's');
    patterns.set(sentence, found);
  }
  return found;
}

/**
 * @param {any} row  a notification
 * @returns {string}
 */
export function spokenTitle({ kind, title }) {
  for (const sentence of sentences[kind] ?? []) {
    const found = pattern(sentence).exec(title);
    if (!found) continue;
    const { time, ...places } = found.groups ?? {};
    return fill(gettext(sentence), time ? { ...places, time: spokenMoment(time) } : places);
  }
  return title;
}
