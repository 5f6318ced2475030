/**
 * Shows the view of an address. A view is the `main` of a page of the server; views of rooms are
 * kept for the way back.
 * @module
 */

import { setCookie } from '../realtime/lib/cookies.js';
import { InboxView } from './inbox/inbox_view.js';
import { clone, parse, readJson } from './lib/dom.js';
import { Roving } from './lib/roving.js';
import { DirectoryView } from './rooms/directory_view.js';
import { RoomView } from './rooms/room_view.js';
import { SearchView } from './search/search_view.js';
import { words } from './words.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./timeline/scroll_anchor.js').Place} Place
 *
 * @typedef {object} Arrival
 * @property {'load' | 'go' | 'again' | 'back'} way  the page was loaded; a link, also of the view
 *   that is open; the way back or forward
 * @property {number | null} number  of the message in the address
 * @property {Place | null} place  where the user was at this address
 *
 * @typedef {{leave: () => void, shown?: (arrival: Arrival) => void, place?: Place | null}} Controller
 * @typedef {{root: HTMLElement, title: string, controller: Controller | null}} View
 */

/** Rooms whose view is kept, so that going back needs no request. */
const MAX_KEPT = 6;
/** A faster answer needs no skeleton. */
const SKELETON_AFTER_MS = 150;
/** For a year. */
const LAST_ROOM_SECONDS = 365 * 24 * 3600;
/** Browsers refuse an entry of the history that changes too often. */
const REMEMBER_EVERY_MS = 400;
const OURS = /^\/(?:$|rooms\/|inbox\/|search\/)/;
const ROOM = /^\/rooms\/([-\w]+)\/(?:(\d+)\/)?$/;

export class Router {
  #app;
  #main = /** @type {HTMLElement} */ (document.getElementById('main'));
  /** Views of rooms by the room's address, the most recent last. @type {Map<string, View>} */
  #kept = new Map();
  /** @type {View | null} */
  #view = null;
  #title = document.title;
  #going = 0;
  /** The address of the view. */
  #url = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #remembering;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
  }

  start() {
    document.addEventListener('click', (event) => this.#click(event));
    history.scrollRestoration = 'manual';
    addEventListener(
      'popstate',
      () => void this.#show(location.pathname + location.search, 'back'),
    );
    this.#main.addEventListener('scroll', () => this.#rememberSoon(), { capture: true });
    addEventListener('pagehide', () => this.#remember(), { capture: true });
    this.#app.client.on('hello', () => {
      if (this.#view?.root.dataset.view === 'unreachable')
        void this.#show(location.pathname + location.search, 'back');
    });
    const root = /** @type {HTMLElement} */ (this.#main.querySelector('[data-view]'));
    this.#enter(location.pathname, this.#build(root, document.title), 'load');
  }

  /** @param {string} url */
  async go(url) {
    const { pathname, search } = new URL(url, location.href);
    const again = pathname + search === location.pathname + location.search;
    this.#remember();
    if (!again) history.pushState(null, '', pathname + search);
    await this.#show(pathname + search, again ? 'again' : 'go');
  }

  toNewest() {
    const controller = this.#view?.controller;
    if (controller instanceof RoomView) void controller.toNewest();
  }

  #rememberSoon() {
    this.#remembering ??= setTimeout(() => this.#remember(), REMEMBER_EVERY_MS);
  }

  /** Keep the position of the reader in the browser's history, for the way back and for a reload. */
  #remember() {
    clearTimeout(this.#remembering);
    this.#remembering = undefined;
    // The address of the way back changes before the view does.
    if (this.#url !== location.pathname + location.search) return;
    const place = this.#view?.controller?.place ?? null;
    const top = this.#view?.root.querySelector('.page')?.scrollTop ?? 0;
    history.replaceState({ ...history.state, place, top }, '');
  }

  /** The room of the present view. */
  get room() {
    const controller = this.#view?.controller;
    return controller instanceof RoomView ? controller.room : null;
  }

  paintTitle() {
    document.title = words.pageTitle(this.#app.rooms.unread, this.#title);
  }

  /**
   * Mark a room as read in its view. False: it has no view.
   * @param {import('./rooms/room.js').Room} room
   */
  markRead(room) {
    const views = [...this.#kept.values(), this.#view].map((view) => view?.controller);
    const found = views.find(
      (controller) => controller instanceof RoomView && controller.room === room,
    );
    if (found instanceof RoomView) found.readTracker.readAll();
    return found instanceof RoomView;
  }

  /** The session has ended: leave every view. */
  end() {
    this.#going += 1;
    for (const view of new Set([...this.#kept.values(), this.#view])) view?.controller?.leave();
    this.#kept.clear();
    this.#view = null;
    this.#title = 'Holdfast';
    document.title = this.#title;
    this.#app.badge.show({ unread: 0, mentions: 0 });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const link = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element} */ (event.target).closest('a[href]')
    );
    if (
      !link ||
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    if (
      link.origin !== location.origin ||
      link.target ||
      link.hasAttribute('download') ||
      !OURS.test(link.pathname)
    )
      return;
    event.preventDefault();
    this.#app.drawer(false);
    void this.go(link.href);
  }

  /**
   * @param {string} url
   * @param {Arrival['way']} way
   */
  async #show(url, way) {
    const going = ++this.#going;
    const known = this.#known(roomAddress(url) ?? '');
    if (known) return this.#enter(url, known, way);
    const skeleton = setTimeout(() => {
      if (going === this.#going) this.#wait();
    }, SKELETON_AFTER_MS);
    const view = await this.#load(url);
    clearTimeout(skeleton);
    // The user has gone elsewhere meanwhile.
    if (going !== this.#going) return view?.controller?.leave();
    if (view) this.#enter(location.pathname, view, way);
  }

  /**
   * A view that needs no request: a kept one, or the present one, if the user has just joined its
   * room. It still has the draft.
   * @param {string} address
   */
  #known(address) {
    const { room } = this;
    return this.#kept.get(address) ?? (room?.isMember && room.url === address ? this.#view : null);
  }

  /** @param {string} url @returns {Promise<View | null>} */
  async #load(url) {
    try {
      const response = await fetch(url, {
        // Without the sidebar and the templates, which are here already.
        headers: { Accept: 'text/html', 'Holdfast-View': 'alone' },
        credentials: 'same-origin',
      });
      const page = parse(await response.text());
      const root = /** @type {HTMLElement | null} */ (page.querySelector('#main > [data-view]'));
      const known = new URL(response.url);
      if (response.redirected && known.pathname !== new URL(url, location.href).pathname)
        history.replaceState(null, '', known.pathname + known.search);
      // Another page: the login form, a room that is gone, a proxy's error. The browser shows it.
      if (!root) {
        location.assign(url);
        return null;
      }
      return this.#build(/** @type {HTMLElement} */ (document.adoptNode(root)), page.title);
    } catch {
      return { root: clone('unreachable-template'), title: this.#title, controller: null };
    }
  }

  /**
   * @param {HTMLElement} root
   * @param {string} title
   * @returns {View}
   */
  #build(root, title) {
    const bar = /** @type {HTMLElement | null} */ (root.querySelector('.bar'));
    if (bar) new Roving(bar, 'a, button', 'horizontal');
    return { root, title, controller: this.#controller(root) };
  }

  /** @param {HTMLElement} root @returns {Controller | null} */
  #controller(root) {
    const app = this.#app;
    if (root.dataset.view === 'room')
      return new RoomView(root, app.rooms.open(readJson(root, 'view-data')), app);
    if (root.dataset.view === 'inbox') return new InboxView(root, app);
    if (root.dataset.view === 'directory')
      return new DirectoryView(root, app.api, (id, url) => app.join(id, url));
    if (root.dataset.view === 'search')
      return new SearchView(root, app, (title) => this.#retitle(title));
    return null;
  }

  /** @param {string} title */
  #retitle(title) {
    this.#title = title;
    this.paintTitle();
  }

  /**
   * @param {string} url
   * @param {View} view
   * @param {Arrival['way']} way
   */
  #enter(url, view, way) {
    const before = this.#view;
    const isBack = way === 'load' || way === 'back';
    /** @type {{place?: Place | null, top?: number}} */
    const { place = null, top = 0 } = (isBack && history.state) || {};
    this.#view = view;
    if (view.root.parentElement !== this.#main) this.#main.replaceChildren(view.root);
    if (before && before !== view && ![...this.#kept.values()].includes(before))
      before.controller?.leave();
    this.#keep(url, view);
    this.#title = view.title;
    this.paintTitle();
    this.#app.badge.show(this.#app.rooms);
    this.#app.connection.paint();
    const room = view.controller instanceof RoomView ? view.controller.room : null;
    this.#app.sidebar.current(room);
    if (room?.isMember) this.#app.recent.visited(room.id);
    this.#app.client.prefer(room?.stream ?? null);
    const number = ROOM.exec(new URL(url, location.href).pathname)?.[2];
    view.controller?.shown?.({ way, number: number ? Number(number) : null, place });
    const page = view.root.querySelector('.page');
    if (page && top > 0) page.scrollTop = top;
    this.#url = location.pathname + location.search;
    // A message of the same room: the focus stays.
    if (before !== view || !number) this.#focus(view);
  }

  /**
   * Keep the view of a room of the user, and drop the oldest one.
   * @param {string} url
   * @param {View} view
   */
  #keep(url, view) {
    const address = roomAddress(url);
    if (!address || !(view.controller instanceof RoomView) || !view.controller.room.isMember)
      return;
    setCookie('last_room', view.controller.room.data.slug, LAST_ROOM_SECONDS);
    this.#kept.delete(address);
    this.#kept.set(address, view);
    const [oldest] = this.#kept;
    if (this.#kept.size <= MAX_KEPT || oldest[1] === view) return;
    this.#kept.delete(oldest[0]);
    oldest[1].controller?.leave();
  }

  /** @param {View} view */
  #focus(view) {
    // On a touch screen the keyboard would cover half of the room.
    if (view.controller instanceof RoomView && matchMedia('(pointer: fine)').matches)
      view.controller.composer.focus();
    else if (document.activeElement === document.body) this.#main.focus({ preventScroll: true });
  }

  #wait() {
    const before = this.#view;
    this.#view = { root: clone('skeleton-template'), title: this.#title, controller: null };
    this.#main.replaceChildren(this.#view.root);
    if (before && ![...this.#kept.values()].includes(before)) before.controller?.leave();
  }
}

/** The address of the room for an address inside it. @param {string} url */
function roomAddress(url) {
  const found = ROOM.exec(new URL(url, location.href).pathname);
  return found ? `/rooms/${found[1]}/` : null;
}
