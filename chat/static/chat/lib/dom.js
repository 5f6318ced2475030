/**
 * Small tools over the DOM. Markup comes from templates of the page; this file fills their slots.
 * @module
 */

import { initials } from './words.js';

const HUES = 8; // of avatars: css/base/avatar.css names them

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
 * Make these the children of a list, in this order. What stays where it was is not touched: whoever
 * is about to press it does.
 * @param {Element} list
 * @param {Element[]} items
 */
export function arrange(list, items) {
  const wanted = new Set(items);
  for (const element of [...list.children]) if (!wanted.has(element)) element.remove();
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}

/**
 * Do what moves elements about; the one that has the focus would lose it.
 * @param {() => void} act
 */
export function keepingFocus(act) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  act();
  if (focused?.isConnected && focused !== document.activeElement)
    focused.focus({ preventScroll: true });
}

/**
 * A page of the server as a document of its own, which is inert: nothing runs in it and nothing is
 * loaded.
 * @param {string} html
 */
export function parse(html) {
  return new DOMParser().parseFromString(html, 'text/html');
}

/**
 * One for all parts: a document for each message would be the dearest thing in a busy room.
 * @type {HTMLTemplateElement | null}
 */
let parser = null;

/**
 * A part of a page, as inert as a whole one. The next part takes its place, so it is read or moved
 * into the page at once.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function parsePart(html) {
  parser ??= document.implementation.createHTMLDocument('').createElement('template');
  parser.innerHTML = html;
  return parser.content;
}

/**
 * Show the `html` of a message, which the server rendered from Markdown and sanitised
 * (chat/markdown.py). Nothing else is ever assigned as markup.
 * @param {Element} element
 * @param {string} html
 */
export function setSanitised(element, html) {
  element.replaceChildren(parsePart(html));
}

/**
 * Call the action that a click asks for: `data-do="reply"` calls `actions.reply(event, element)`.
 * Clicks for others bubble on.
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
 * Take a `json_script` element out of the page and read it: what it holds will not change with what
 * it tells of.
 * @param {ParentNode} root
 * @param {string} id
 */
export function takeJson(root, id) {
  const element = root.querySelector(`script[id="${id}"]`);
  element?.remove();
  return element ? JSON.parse(element.textContent ?? 'null') : null;
}

/**
 * Tell what was done. A screen reader says it when it has finished what it reads.
 * @param {string} words
 * @param {{label: string, act: () => void}} [action]  e.g. how to undo it
 */
export function toast(words, action) {
  show('status', words, action);
}

/**
 * Tell what went wrong. A screen reader says it at once: who goes on believes that it was done.
 * @param {unknown} problem  an error, or words
 */
export function complain(problem) {
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

const TOAST_MS = 5000; // long enough to read one sentence twice
const ALERT_MS = 10_000; // it may ask for something to be done, and came unasked

/** Say something to screen readers only. @param {string} words */
export function announce(words) {
  const live = document.querySelector('[data-live]');
  if (live) live.textContent = words;
}
