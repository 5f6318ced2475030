/**
 * The keyboard on the glass of a phone: the page is as high as what it leaves, so that it hides no
 * composer. Browsers that know `interactive-widget` do it by themselves; Safari lays the keyboard
 * over the page and pushes the page up.
 * @module
 */

// of a keyboard; what is lower is a bar of the browser, and changes all the time
const LEAST_PX = 120;

/**
 * How high the page is to be; null: as high as it is by itself.
 * @param {{height: number, scale: number}} seen  the visual viewport
 * @param {number} whole  the height of the window
 */
export function heightBeside(seen, whole) {
  const zoomed = Math.abs(seen.scale - 1) > 0.01; // somebody looks closely; the page stays as it is
  return !zoomed && whole - seen.height >= LEAST_PX ? Math.round(seen.height) : null;
}

export function makeRoomForKeyboard() {
  const seen = window.visualViewport;
  if (!seen) return;
  seen.addEventListener('resize', () => {
    const height = heightBeside(seen, innerHeight);
    document.documentElement.style.setProperty(
      '--page-height',
      height === null ? '' : `${height}px`,
    );
    if (height !== null) scrollTo(0, 0);
  });
}
