/**
 * DOM helpers. Markup comes from the page's templates, and this file fills their slots.
 * @module
 */

import { trustedHtml } from '../../realtime/lib/trusted.js';
import { initials } from './words.js';

/** The avatar colours in css/base/avatar.css. */
const HUES = 8;

/**
 * Copy the one element of a `<template>`.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (
    /** @type {Element} */ (template.content.firstElementChild).cloneNode(true)
  );
}

/**
 * The element with `data-slot=name`.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function slot(root, name) {
  const found = root.querySelector(`[data-slot="${name}"]`);
  if (!found) throw new Error(`expected a slot "${name}"`);
  return /** @type {HTMLElement} */ (found);
}

/**
 * @param {ParentNode} root
 * @param {string} name
 * @param {string} text
 */
export function setText(root, name, text) {
  const element = slot(root, name);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Point an icon of the sprite at another symbol.
 * @param {Element} svg
 * @param {string} name
 */
export function setIcon(svg, name) {
  const use = /** @type {Element} */ (svg.querySelector('use'));
  const [sprite] = (use.getAttribute('href') ?? '').split('#');
  use.setAttribute('href', `${sprite}#${name}`);
}

/** The symbol that an icon shows. @param {Element} holder */
export function iconOf(holder) {
  return holder.querySelector('use')?.getAttribute('href')?.split('#')[1] ?? '';
}

/**
 * @param {ParentNode} root
 * @param {{id: number, name: string}} person
 */
export function setAvatar(root, person) {
  const avatar = slot(root, 'avatar');
  avatar.className = avatar.className.replace(/avatar--hue-\d+/, `avatar--hue-${person.id % HUES}`);
  avatar.textContent = initials(person.name);
}

/**
 * Make these the children of a list, in this order. Elements that stay are not moved, so a press
 * that has begun on them is not lost.
 * @param {Element} list
 * @param {Element[]} items
 */
export function setChildren(list, items) {
  const wanted = new Set(items);
  for (const element of [...list.children]) if (!wanted.has(element)) element.remove();
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}

/**
 * Run a callback that moves elements, and restore the focus that a moved element loses.
 * @param {() => void} act
 */
export function keepingFocus(act) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  act();
  if (focused?.isConnected && focused !== document.activeElement)
    focused.focus({ preventScroll: true });
}

/**
 * Parse a page of the server into an inert document: no scripts run, and nothing is loaded.
 * @param {string} html
 */
export function parse(html) {
  return new DOMParser().parseFromString(trustedHtml(html), 'text/html');
}

/**
 * Shared: a document for each message would be the largest cost in a busy room.
 * @type {HTMLTemplateElement | null}
 */
let parser = null;

/**
 * Parse a part of a page, also inert. The next call replaces the result, so use it at once.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function parsePart(html) {
  parser ??= document.implementation.createHTMLDocument('').createElement('template');
  parser.innerHTML = trustedHtml(html);
  return parser.content;
}

/**
 * Show the `html` of a message, which the server rendered from Markdown and sanitised
 * (chat/text/markdown.py). Nothing else is assigned as markup.
 * @param {Element} element
 * @param {string} html
 */
export function setSanitised(element, html) {
  element.replaceChildren(parsePart(html));
}

/**
 * Call the action of a click: `data-do="reply"` calls `actions.reply(event, element)`. Other clicks
 * bubble.
 * @param {EventTarget} root
 * @param {Record<string, (event: Event, element: HTMLElement) => void>} actions
 * @param {AbortSignal} [signal]
 */
export function onAction(root, actions, signal) {
  root.addEventListener(
    'click',
    (event) => {
      const element = /** @type {HTMLElement | null} */ (
        /** @type {Element} */ (event.target).closest('[data-do]')
      );
      const action = element && actions[element.dataset.do ?? ''];
      if (!element || !action) return;
      event.preventDefault();
      event.stopPropagation();
      action(event, element);
    },
    { signal },
  );
}

/**
 * Read a `json_script` element and remove it, because its data becomes outdated.
 * @param {ParentNode} root
 * @param {string} id
 */
export function readJson(root, id) {
  const element = root.querySelector(`script[id="${id}"]`);
  element?.remove();
  return element ? JSON.parse(element.textContent ?? 'null') : null;
}

/**
 * Show a confirmation. A screen reader announces it when it is idle.
 * @param {string} words
 * @param {{label: string, act: () => void}} [action]  e.g. to undo it
 */
export function toast(words, action) {
  show('status', words, action);
}

/**
 * Show an error. A screen reader announces it at once, because the user believes that it worked.
 * @param {unknown} problem  an error, or a text
 */
export function toastError(problem) {
  show('alert', problem instanceof Error ? problem.message : String(problem));
}

/**
 * @param {'status' | 'alert'} role
 * @param {string} words
 * @param {{label: string, act: () => void}} [action]
 */
function show(role, words, action) {
  const holders = document.querySelectorAll('[data-toasts]');
  if (holders.length === 0) return;
  const element = clone('toast-template');
  element.classList.toggle('toast--alert', role === 'alert');
  setText(element, 'words', words);
  const button = slot(element, 'action');
  button.hidden = !action;
  button.textContent = action?.label ?? '';
  button.addEventListener('click', () => {
    element.remove();
    action?.act();
  });
  for (const holder of holders)
    holder.replaceChildren(...(holder.getAttribute('role') === role ? [element] : []));
  setTimeout(() => element.remove(), role === 'alert' ? ALERT_MS : TOAST_MS);
}

/** Enough to read a sentence twice. */
const TOAST_MS = 5000;
/** Errors are unexpected, and may ask for an action. */
const ALERT_MS = 10_000;

/** Announce a text to screen readers only. @param {string} words */
export function announce(words) {
  const live = document.querySelector('[data-live]');
  if (live) live.textContent = words;
}
