/**
 * Refreshes the page of the nodes while it is visible.
 * @module
 */

import { trustedHtml } from '../lib/trusted.js';

/** Failed requests in a row after which the page says that it is outdated. */
const LOST_AFTER = 2;

let lost = 0;

function part() {
  return /** @type {HTMLElement} */ (document.querySelector('[data-nodes]'));
}

function scrollRegions() {
  return /** @type {HTMLElement[]} */ ([...part().querySelectorAll('.nodes__scroll')]);
}

/** @param {boolean} live */
function showState(live) {
  const state = /** @type {HTMLElement} */ (document.querySelector('[data-nodes-state]'));
  const words = (live ? state.dataset.live : state.dataset.lost) ?? '';
  if (state.textContent !== words) state.textContent = words;
}

async function refresh() {
  try {
    const response = await fetch('?live', { credentials: 'same-origin', redirect: 'error' });
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser()
      .parseFromString(trustedHtml(await response.text()), 'text/html')
      .querySelector('[data-nodes]');
    if (!fresh) throw new Error('expected the page of the nodes');
    const regions = scrollRegions();
    const positions = regions.map((region) => region.scrollLeft);
    const focused = regions.findIndex((region) => region === document.activeElement);
    part().replaceWith(document.adoptNode(fresh));
    for (const [index, region] of scrollRegions().entries()) {
      region.scrollLeft = positions[index] ?? 0;
      if (index === focused) region.focus({ preventScroll: true });
    }
    lost = 0;
  } catch {
    lost += 1;
  }
  showState(lost < LOST_AFTER);
}

function schedule() {
  // Twice as often as nodes report, so the page is at most half a report late.
  const every = Number(part().dataset.every) * 500;
  setTimeout(async () => {
    if (document.visibilityState === 'visible') await refresh();
    schedule();
  }, every);
}

showState(true);
schedule();
