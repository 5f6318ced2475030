/**
 * The name of a pressed key, as shortcuts are written: "b", "escape".
 * @module
 */

/**
 * By what the key writes, in any case: Caps Lock changes no shortcut. Where the layout has no Latin
 * letters (Cyrillic, Arabic, Greek …), by its place on the keyboard. admin/keys.js does the same.
 * @param {Pick<KeyboardEvent, 'key' | 'code'>} pressed
 */
export function keyName({ key, code }) {
  const isForeign = /\p{L}/u.test(key) && !/\p{Script=Latin}/u.test(key);
  const letter = isForeign ? /^Key([A-Z])$/.exec(code)?.[1] : null;
  return (letter ?? key).toLowerCase().replace('؟', '?');
}
