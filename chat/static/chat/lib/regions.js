/**
 * F6 goes through the regions of the page, in the order in which they are read.
 * @module
 */

/** Each region, and the element in it that gets the focus. */
const REGIONS = [
  ['.app__banner', 'a, button'],
  ['#sidebar', '[aria-current="page"], a[tabindex="0"]'],
  ['#main .bar', '[tabindex="0"]'],
  ['#main .timeline', '.message[tabindex="0"]'],
  ['#main .page', 'input, a, button, [tabindex="0"]'],
  ['#main .composer', 'textarea, button'],
  ['#main .panel', 'input, button'],
];

/** @param {1 | -1} step */
export function toRegion(step) {
  const targets = REGIONS.flatMap(([region, inside]) => {
    const root = document.querySelector(region);
    const found = [...(root?.querySelectorAll(inside) ?? [])].find(isReachable);
    return root && found ? [{ root, found: /** @type {HTMLElement} */ (found) }] : [];
  });
  const at = targets.findIndex(({ root }) => root.contains(document.activeElement));
  const from = at < 0 && step < 0 ? 0 : at;
  targets[(from + step + targets.length) % targets.length]?.found.focus();
}

/** @param {Element} element */
function isReachable(element) {
  return element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]');
}
