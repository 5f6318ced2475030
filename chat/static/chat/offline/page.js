/**
 * The script of the offline page. It retries until the server responds, then reloads the address
 * that the user wanted. It is inlined into the page, so it imports nothing.
 * @module
 */

const SHORTEST_MS = 3000;
const LONGEST_MS = 30_000;
const ANSWER_MS = 10_000;

const status = /** @type {HTMLElement} */ (document.querySelector('[data-status]'));
const button = /** @type {HTMLButtonElement} */ (document.querySelector('[data-try]'));

let pause = SHORTEST_MS;
let timer = 0;
let trying = false;

async function attempt() {
  if (trying) return;
  trying = true;
  clearTimeout(timer);
  status.textContent = status.dataset.trying ?? '';
  const answered = await isAnswered();
  if (answered && !isWriting()) return location.reload();
  trying = false;
  status.textContent = (answered ? status.dataset.back : status.dataset.silent) ?? '';
  // Random, so that waiting browsers do not all return in the same second
  timer = setTimeout(attempt, pause * (1 + Math.random() / 2));
  pause = Math.min(pause * 2, LONGEST_MS);
}

/** A reload would lose a text that is not sent yet. */
function isWriting() {
  return Boolean(document.querySelector('textarea')?.value);
}

async function isAnswered() {
  try {
    const { status: code } = await fetch('/manifest.webmanifest', {
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return code < 500;
  } catch {
    return false;
  }
}

function again() {
  pause = SHORTEST_MS;
  void attempt();
}

button.addEventListener('click', again);
addEventListener('online', again);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') again();
});
timer = setTimeout(attempt, pause * (1 + Math.random() / 2));

export {};
