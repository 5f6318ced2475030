/**
 * The page of the nodes renews itself, while somebody looks at it.
 * @module
 */

const LOST_AFTER = 2; // answers that did not come, before the page says so

let lost = 0;

function part() {
  return /** @type {HTMLElement} */ (document.querySelector('[data-nodes]'));
}

/** @param {boolean} live */
function say(live) {
  const state = /** @type {HTMLElement} */ (document.querySelector('[data-nodes-state]'));
  const words = (live ? state.dataset.live : state.dataset.lost) ?? '';
  if (state.textContent !== words) state.textContent = words;
}

async function renew() {
  try {
    const response = await fetch('?live', { credentials: 'same-origin', redirect: 'error' });
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser()
      .parseFromString(await response.text(), 'text/html')
      .querySelector('[data-nodes]');
    if (!fresh) throw new Error('this is not the page of the nodes');
    const scrolled = part().querySelector('.nodes__scroll')?.scrollLeft ?? 0;
    part().replaceWith(document.adoptNode(fresh));
    part().querySelector('.nodes__scroll')?.scrollTo({ left: scrolled });
    lost = 0;
  } catch {
    lost += 1;
  }
  say(lost < LOST_AFTER);
}

function later() {
  // twice as often as they report: what is shown is at most half a report late
  const every = Number(part().dataset.every) * 500;
  setTimeout(async () => {
    if (document.visibilityState === 'visible') await renew();
    later();
  }, every);
}

say(true);
later();
