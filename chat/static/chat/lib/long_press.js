/**
 * A long press, and a click with the right button: both show more of an element.
 * @module
 */

/** As long as on Android and iOS. */
const HELD_MS = 500;

/**
 * @param {HTMLElement} root
 * @param {string} selector
 * @param {(element: HTMLElement) => void} act
 */
export function onLongPress(root, selector, act) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let held = false;
  const found = (/** @type {Event} */ event) =>
    /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(selector));
  root.addEventListener('pointerdown', (event) => {
    const element = event.pointerType === 'touch' ? found(event) : null;
    held = false;
    if (!element) return;
    timer = setTimeout(() => {
      held = true;
      act(element);
    }, HELD_MS);
  });
  for (const type of ['pointerup', 'pointercancel', 'pointerleave'])
    root.addEventListener(type, () => clearTimeout(timer));
  root.addEventListener('contextmenu', (event) => {
    const element = found(event);
    if (!element) return;
    event.preventDefault();
    clearTimeout(timer);
    if (!held) act(element);
    held = true;
  });
  // Letting go is no click.
  root.addEventListener(
    'click',
    (event) => {
      if (!held || !found(event)) return;
      held = false;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
}
