/**
 * The search view: searches while the user types, filters by chips, and appends older results. The
 * results are the server's page, as without scripts.
 * @module
 */

import { onNewDay, paintTimes } from '../lib/day.js';
import { announce, onAction, parse, slot, toastError } from '../lib/dom.js';
import { common, dayAndClock, fullTime } from '../lib/words.js';
import { isGone } from '../rooms/rights.js';
import { plainText } from '../timeline/message.js';
import { words } from './words.js';

/**
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {Pick<import('../app.js').App, 'rooms' | 'blocks' | 'api'>} Known
 */

/** After the last key, before the search. */
const SEARCH_DELAY_MS = 250;
/** In characters, as in chat/queries/search/excerpts.py. */
const EXCERPT_LENGTH = 240;

export class SearchView {
  #root;
  #blocks;
  #api;
  #titled;
  #asked = '';
  #searching = 0;
  #timer = 0;
  /** Messages of blocked users that the user expanded, by id. @type {Set<string>} */
  #unfolded = new Set();
  /**
   * The text of messages that changed after the search, by id; null if it is gone.
   * @type {Map<number, string | null>}
   */
  #updated = new Map();
  #ends;

  /**
   * @param {HTMLElement} root
   * @param {Known} known
   * @param {(title: string) => void} titled  sets the title of the page
   */
  constructor(root, { rooms, blocks, api }, titled) {
    this.#root = root;
    this.#blocks = blocks;
    this.#api = api;
    this.#titled = titled;
    this.#ends = [
      onNewDay(() => paintTimes(root)),
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
    this.#searching++;
    for (const end of this.#ends) end();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      if (this.#field.value.trim() !== this.#asked.trim())
        void this.#search(this.#address(), { typing: true });
    }, SEARCH_DELAY_MS);
  }

  /**
   * A typed name is complete at Enter, which submits; a choice is complete at once.
   * @param {EventTarget | null} field
   */
  #isComplete(field) {
    return (
      field instanceof HTMLSelectElement ||
      (field instanceof HTMLInputElement && field.type !== 'text')
    );
  }

  /** Chips and links to other searches stay in this view. @param {MouseEvent} event */
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
    const searching = ++this.#searching;
    const typed = this.#field.value;
    this.#root.dataset.searching = 'true';
    const page = await this.#load(url);
    // The text has changed, or the view was left.
    if (searching !== this.#searching) return;
    this.#root.dataset.searching = 'false';
    const found = /** @type {HTMLElement | null} */ (page?.querySelector('[data-view="search"]'));
    if (!page || !found) return toastError(words.searchFailed);
    this.#asked = typed;
    this.#root.dataset.address = found.dataset.address ?? '';
    if (!typing) {
      // The filters are chips now.
      this.#form.reset();
      this.#field.value = this.#asked = /** @type {HTMLInputElement} */ (
        slot(found, 'q')
      ).defaultValue;
    }
    this.#updated.clear();
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
      headers: { Accept: 'text/html', 'Holdfast-View': 'alone' },
      credentials: 'same-origin',
    }).catch(() => null);
    return response ? parse(await response.text()) : null;
  }

  /** Show the address of the results, with the filters as the server understood them. */
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
    if (!page || !link.isConnected) return page ? undefined : toastError(words.searchFailed);
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

  /** Show local times, and collapse messages of blocked users. */
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
   * Update a result whose message was deleted, hidden or edited.
   * @param {Message} message
   */
  #changed(message) {
    const hit = /** @type {HTMLElement | null} */ (
      this.#root.querySelector(`.hit[data-message="${message.id}"]`)
    );
    if (!hit || (!isGone(message) && !message.edited_at)) return;
    const id = /** @type {number} */ (message.id);
    const updated = isGone(message) ? null : message.body;
    // Only something else changed, such as a reaction.
    if (this.#updated.get(id) === updated) return;
    this.#updated.set(id, updated);
    hit.dataset.gone = String(isGone(message));
    slot(hit, 'text').textContent = message.deleted_at
      ? common.deleted
      : message.hidden_at
        ? common.hidden
        : plainText(message, EXCERPT_LENGTH);
    if (updated !== null) void this.#mark(hit, id);
  }

  /**
   * Only the server knows which part of a new text matches, if any.
   * @param {HTMLElement} hit
   * @param {number} id
   */
  async #mark(hit, id) {
    const q = new URL(this.#root.dataset.address ?? '', location.href).searchParams.get('q') ?? '';
    const { results } = await this.#api
      .get('/api/search', { q, before_id: id + 1, limit: 1 })
      .catch(() => ({ results: [] }));
    const [found] = results;
    if (found?.message.id === id && found.message.body === this.#updated.get(id))
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

/** Focus the link to the message, or the button that expands it. @param {HTMLElement} hit */
function focusOn(hit) {
  /** @type {HTMLElement | null} */ (
    hit.querySelector(hit.classList.contains('hit--folded') ? '[data-do="unfold"]' : 'a')
  )?.focus({ preventScroll: true });
}
