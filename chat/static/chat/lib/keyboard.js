/**
 * The on-screen keyboard: the page gets the height above it, so that it does not cover the
 * composer. Browsers with `interactive-widget` do this by themselves; Safari lays the keyboard over
 * the page and pushes the page up.
 * @module
 */

// A lower one is a bar of the browser, whose height changes all the time.
const MIN_KEYBOARD_PX = 120;

/**
 * The height of the page; null: its natural height.
 * @param {{height: number, scale: number}} seen  the visual viewport
 * @param {number} whole  the height of the window
 */
export function heightAboveKeyboard(seen, whole) {
  // The page does not change while the user zooms in.
  const zoomed = Math.abs(seen.scale - 1) > 0.01;
  return !zoomed && whole - seen.height >= MIN_KEYBOARD_PX ? Math.round(seen.height) : null;
}

export function fitAboveKeyboard() {
  const seen = window.visualViewport;
  if (!seen) return;
  seen.addEventListener('resize', () => {
    const height = heightAboveKeyboard(seen, innerHeight);
    document.documentElement.style.setProperty(
      '--page-height',
      height === null ? '' : `${height}px`,
    );
    if (height !== null) scrollTo(0, 0);
  });
}
