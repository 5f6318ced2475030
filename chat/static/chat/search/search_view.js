/**
 * The search on the screen: looked for while one types, narrowed by chips, with older messages put
 * behind. What was found is the server's page, here as without scripts.
 * @module
 */

import { announce, complain, onAction, parse, slot } from '../lib/dom.js';
import { common, dayAndClock, fullTime } from '../lib/words.js';
import { isGone } from '../rooms/rights.js';
import { plainText } from '../timeline/message.js';
import { words } from './words.js';

/**
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {Pick<import('../app.js').App, 'rooms' | 'blocks' | 'api'>} Known
 */

const TYPED_MS = 250; // after the last key, before the server is asked
const EXCERPT_LENGTH = 240; // characters, as in chat/search/excerpts.py

export class SearchView {
  #root;
  #blocks;
  #api;
  #titled;
  #asked = '';
  #asking = 0;
  #timer = 0;
  /** Messages of people I have blocked that I asked to see, by id. @type {Set<string>} */
  #unfolded = new Set();
  /**
   * What was told of messages since they were found: their text, null where it is gone.
   * @type {Map<number, string | null>}
   */
  #told = new Map();
  #ends;

  /**
   * @param {HTMLElement} root
   * @param {Known} known
   * @param {(title: string) => void} titled  the page is called so now
   */
  constructor(root, { rooms, blocks, api }, titled) {
    this.#root = root;
    this.#blocks = blocks;
    this.#api = api;
    this.#titled = titled;
    this.#ends = [
      rooms.on('messages', (messages) => {
        for (const message of /** @type {Message[]} */ (messages)) this.#changed(message);
      }),
      blocks.on('change', () => this.#blocksChanged()),
    ];
    this.#asked = this.#field.value;
    this.#field.addEventListener('input', () => this.#typed());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#search(this.#address(), { push: true });
    });
    this.#form.addEventListener('change', (event) => {
      if (event.target !== this.#field && this.#isComplete(event.target))
        void this.#search(this.#address(), { push: true });
    });
    root.addEventListener('click', (event) => this.#clicked(event));
    onAction(root, {
      older: (_event, element) => void this.#older(/** @type {HTMLAnchorElement} */ (element)),
      unfold: (_event, element) =>
        this.#unfold(/** @type {HTMLElement} */ (element.closest('.hit'))),
    });
    this.#paint();
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (slot(this.#root, 'form'));
  }

  get #field() {
    return /** @type {HTMLInputElement} */ (slot(this.#root, 'q'));
  }

  get #outcome() {
    return slot(this.#root, 'outcome');
  }

  shown() {
    this.#settle();
    if (this.#field.value === '' && matchMedia('(pointer: fine)').matches) this.#field.focus();
  }

  leave() {
    clearTimeout(this.#timer);
    this.#asking++;
    for (const end of this.#ends) end();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      if (this.#field.value.trim() !== this.#asked.trim())
        void this.#search(this.#address(), { typing: true });
    }, TYPED_MS);
  }

  /**
   * A name is complete at Enter, which submits; what is chosen is so at once.
   * @param {EventTarget | null} field
   */
  #isComplete(field) {
    return (
      field instanceof HTMLSelectElement ||
      (field instanceof HTMLInputElement && field.type !== 'text')
    );
  }

  /** Chips and other searches stay in this view. @param {MouseEvent} event */
  #clicked(event) {
    const link = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element} */ (event.target).closest('a.chip')
    );
    if (
      !link ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    event.stopPropagation();
    void this.#search(link.href, { push: true }).then(() => this.#field.focus());
  }

  #address() {
    const fields = [...new FormData(this.#form)]
      .map(([name, value]) => [name, String(value)])
      .filter(([, value]) => value !== '');
    return `${this.#form.action}?${new URLSearchParams(fields)}`;
  }

  /**
   * @param {string} url
   * @param {{push?: boolean, typing?: boolean}} how
   */
  async #search(url, { push = false, typing = false }) {
    clearTimeout(this.#timer);
    const asking = ++this.#asking;
    const typed = this.#field.value;
    this.#root.dataset.searching = 'true';
    const page = await this.#load(url);
    if (asking !== this.#asking) return; // typed on, or gone
    this.#root.dataset.searching = 'false';
    const found = /** @type {HTMLElement | null} */ (page?.querySelector('[data-view="search"]'));
    if (!page || !found) return complain(words.searchFailed);
    this.#asked = typed;
    this.#root.dataset.address = found.dataset.address ?? '';
    if (!typing) {
      this.#form.reset(); // the filters are chips now
      this.#field.value = this.#asked = /** @type {HTMLInputElement} */ (
        slot(found, 'q')
      ).defaultValue;
    }
    this.#told.clear();
    this.#outcome.replaceChildren(...slot(found, 'outcome').childNodes);
    slot(this.#root, 'page').scrollTop = 0;
    if (push) history.pushState(null, '', this.#root.dataset.address);
    this.#settle();
    this.#titled(page.title);
    this.#paint();
    announce(words.messagesFound(this.#hits.length));
  }

  /** @param {string} url */
  async #load(url) {
    const response = await fetch(url, {
      headers: { Accept: 'text/html' },
      credentials: 'same-origin',
    }).catch(() => null);
    return response ? parse(await response.text()) : null;
  }

  /** The address bar says what the server understood: a form's filters are part of the question. */
  #settle() {
    const { address } = this.#root.dataset;
    const pageOf = new URLSearchParams(location.search).has('before_id');
    if (address && !pageOf && address !== location.pathname + location.search && this.#field.value)
      history.replaceState(null, '', address);
  }

  /** @param {HTMLAnchorElement} link */
  async #older(link) {
    link.setAttribute('aria-disabled', 'true');
    const page = await this.#load(link.href);
    link.removeAttribute('aria-disabled');
    if (!page || !link.isConnected) return page ? undefined : complain(words.searchFailed);
    const items = /** @type {HTMLElement[]} */ ([...page.querySelectorAll('.hit')]);
    slot(this.#root, 'list').append(...items);
    const next = /** @type {HTMLAnchorElement | null} */ (
      page.querySelector('[data-slot="older"]:not([hidden]) a')
    );
    if (next) link.href = next.getAttribute('href') ?? '';
    slot(this.#root, 'older').hidden = !next;
    this.#paint();
    if (items[0]) focusOn(items[0]);
    announce(words.messagesFound(this.#hits.length));
  }

  get #hits() {
    return /** @type {HTMLElement[]} */ ([...this.#root.querySelectorAll('.hit')]);
  }

  /** Times as the reader has them, and nothing of somebody blocked that they did not ask for. */
  #paint() {
    for (const hit of this.#hits) {
      const { author, message = '' } = hit.dataset;
      hit.classList.toggle(
        'hit--folded',
        this.#blocks.has(Number(author)) && !this.#unfolded.has(message),
      );
    }
    for (const when of /** @type {NodeListOf<HTMLTimeElement>} */ (
      this.#root.querySelectorAll('.hit [data-slot="when"]')
    )) {
      when.textContent = dayAndClock(when.dateTime);
      when.title = fullTime(when.dateTime);
    }
  }

  /** @param {HTMLElement} hit */
  #unfold(hit) {
    this.#unfolded.add(hit.dataset.message ?? '');
    this.#paint();
    focusOn(hit);
  }

  #blocksChanged() {
    this.#unfolded.clear();
    this.#paint();
  }

  /**
   * A text that is deleted, hidden or edited while it is shown is not left standing.
   * @param {Message} message
   */
  #changed(message) {
    const hit = /** @type {HTMLElement | null} */ (
      this.#root.querySelector(`.hit[data-message="${message.id}"]`)
    );
    if (!hit || (!isGone(message) && !message.edited_at)) return;
    const id = /** @type {number} */ (message.id);
    const told = isGone(message) ? null : message.body;
    if (this.#told.get(id) === told) return; // a reaction, say
    this.#told.set(id, told);
    hit.dataset.gone = String(isGone(message));
    slot(hit, 'text').textContent = message.deleted_at
      ? common.deleted
      : message.hidden_at
        ? common.hidden
        : plainText(message, EXCERPT_LENGTH);
    if (told !== null) void this.#mark(hit, id);
  }

  /**
   * Only the server knows which part of a new text was looked for, if any.
   * @param {HTMLElement} hit
   * @param {number} id
   */
  async #mark(hit, id) {
    const q = new URL(this.#root.dataset.address ?? '', location.href).searchParams.get('q') ?? '';
    const { results } = await this.#api
      .get('/api/search', { q, before_id: id + 1, limit: 1 })
      .catch(() => ({ results: [] }));
    const [found] = results;
    if (found?.message.id === id && found.message.body === this.#told.get(id))
      slot(hit, 'text').replaceChildren(...found.excerpt.map(shown));
  }
}

/** @param {{text: string, match: boolean}} part */
function shown({ text, match }) {
  if (!match) return text;
  const mark = document.createElement('mark');
  mark.textContent = text;
  return mark;
}

/** On the way to the message, or to what unfolds it. @param {HTMLElement} hit */
function focusOn(hit) {
  /** @type {HTMLElement | null} */ (
    hit.querySelector(hit.classList.contains('hit--folded') ? '[data-do="unfold"]' : 'a')
  )?.focus({ preventScroll: true });
}
