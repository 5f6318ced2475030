/**
 * The keys of the page. Every handler of a key listens here, so that all of them leave the keys of
 * a composition (Japanese, Chinese, dead keys …) to the input method.
 * @module
 */

/** The code of a key that an input method has taken. */
const TAKEN = 229;

/** The signs of keys that have a letter on other layouts, by their place. */
const SIGNS = { Slash: '/' };

/**
 * Call `act` with the keys that are pressed on a target, but not with those of a composition.
 * Safari ends the composition before it sends the Enter key that has ended it, with code 229.
 * @param {EventTarget} target
 * @param {(event: KeyboardEvent) => void} act
 * @param {AddEventListenerOptions} [options]
 */
export function onKey(target, act, options) {
  target.addEventListener(
    'keydown',
    (event) => {
      const { isComposing, keyCode } = /** @type {KeyboardEvent} */ (event);
      if (!isComposing && keyCode !== TAKEN) act(/** @type {KeyboardEvent} */ (event));
    },
    options,
  );
}

/**
 * The name of a pressed key, as shortcuts are written: "b", "escape". By the sign that the key
 * writes, in any case, because Caps Lock changes no shortcut. Where the layout has no Latin
 * letters (Cyrillic, Arabic, Hebrew …), and for the Turkish ı, by its place on the keyboard. admin/keys.js does the
 * same.
 * @param {Pick<KeyboardEvent, 'key' | 'code'>} pressed
 */
export function keyName({ key, code }) {
  const isForeign = /(?!\p{Script=Latin})[\p{L}\p{M}]|^ı$/u.test(key);
  const placed = /^Key([A-Z])$/.exec(code)?.[1] ?? SIGNS[/** @type {'Slash'} */ (code)];
  return ((isForeign && placed) || key).toLowerCase().replace('؟', '?');
}
