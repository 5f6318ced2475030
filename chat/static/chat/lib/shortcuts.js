/**
 * The table of all keyboard shortcuts, and their handlers.
 *
 * A key without Ctrl, Alt or ⌘ that writes a character ("?", "/", "r") can be switched off (WCAG
 * 2.1.4): speech input and trembling hands press such keys by accident. In a text field they are
 * letters.
 * @module
 */

import { keyName, onKey } from './keys.js';

/**
 * @typedef {'going' | 'reading' | 'writing' | 'message' | 'inbox' | 'help'} Group
 * @typedef {{name: string, group: Group, keys: string[], action?: string}} Shortcut keys: "mod" is
 *   ⌘ on a Mac and Ctrl elsewhere
 */

/**
 * Shortcuts of the whole page run here. The others are handled by their part of the page.
 * @type {Shortcut[]}
 */
export const SHORTCUTS = [
  { name: 'switch', group: 'going', keys: ['mod+k'] },
  { name: 'search', group: 'going', keys: ['/', 'mod+shift+f'] },
  { name: 'previous', group: 'going', keys: ['alt+arrowup'] },
  { name: 'next', group: 'going', keys: ['alt+arrowdown'] },
  { name: 'previousUnread', group: 'going', keys: ['alt+shift+arrowup'] },
  { name: 'nextUnread', group: 'going', keys: ['alt+shift+arrowdown'] },
  { name: 'nextRegion', group: 'going', keys: ['f6'] },
  { name: 'previousRegion', group: 'going', keys: ['shift+f6'] },
  { name: 'markRead', group: 'reading', keys: ['escape'] },
  { name: 'markAllRead', group: 'reading', keys: ['shift+escape'] },
  { name: 'send', group: 'writing', keys: ['enter', 'mod+enter'] },
  { name: 'newLine', group: 'writing', keys: ['shift+enter'] },
  { name: 'bold', group: 'writing', keys: ['mod+b'], action: 'bold' },
  { name: 'italic', group: 'writing', keys: ['mod+i'], action: 'italic' },
  { name: 'code', group: 'writing', keys: ['mod+e'], action: 'code' },
  { name: 'editLast', group: 'writing', keys: ['arrowup'] },
  { name: 'otherMessage', group: 'message', keys: ['arrowup', 'arrowdown'] },
  { name: 'actions', group: 'message', keys: ['enter'], action: 'actions' },
  { name: 'reply', group: 'message', keys: ['r'], action: 'reply' },
  { name: 'react', group: 'message', keys: ['+'], action: 'pick-reaction' },
  { name: 'edit', group: 'message', keys: ['e'], action: 'edit' },
  { name: 'markUnread', group: 'message', keys: ['u'], action: 'mark-unread' },
  { name: 'profile', group: 'message', keys: ['p'], action: 'profile' },
  { name: 'delete', group: 'message', keys: ['delete'], action: 'delete' },
  { name: 'nextNotice', group: 'inbox', keys: ['j', 'arrowdown'], action: 'next' },
  { name: 'previousNotice', group: 'inbox', keys: ['k', 'arrowup'], action: 'previous' },
  { name: 'archive', group: 'inbox', keys: ['e'], action: 'archive' },
  { name: 'toggleRead', group: 'inbox', keys: ['u'], action: 'toggleRead' },
  { name: 'undo', group: 'inbox', keys: ['z'], action: 'undo' },
  { name: 'help', group: 'help', keys: ['?', 'mod+/'] },
];

const PAGE = new Set(['going', 'reading', 'help']);
const STORAGE_KEY = 'holdfast.letters';

/** @typedef {Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>} Pressed */

/** @param {string} combination */
export const isLetter = (combination) => combination.length === 1;

/**
 * @param {string} combination
 * @param {Pressed} pressed
 * @param {boolean} mac
 */
export function isPressed(combination, pressed, mac) {
  const parts = combination.split('+');
  const key = combination.endsWith('+') ? '+' : /** @type {string} */ (parts.at(-1));
  const mod = parts.includes('mod');
  if (keyName(pressed) !== key) return false;
  if (
    pressed.altKey !== parts.includes('alt') ||
    pressed.metaKey !== (mod && mac) ||
    pressed.ctrlKey !== (mod && !mac)
  )
    return false;
  // The keyboard layout decides which characters need Shift: "?" and "/" often do.
  return (key.length === 1 && !/\p{L}/u.test(key)) || pressed.shiftKey === parts.includes('shift');
}

export class Shortcuts {
  #mac;
  #storage;
  /** @type {Record<string, () => void>} */
  #handlers;

  /**
   * @param {Record<string, () => void>} handlers  of the page's shortcuts, by name
   * @param {{storage?: Pick<Storage, 'getItem' | 'setItem'>, mac?: boolean}} [options]
   */
  constructor(
    handlers,
    { storage = localStorage, mac = /Mac|iPhone|iPad/.test(navigator.platform) } = {},
  ) {
    this.#handlers = handlers;
    this.#storage = storage;
    this.#mac = mac;
  }

  get mac() {
    return this.#mac;
  }

  /** Single-character shortcuts are on. */
  get letters() {
    return this.#storage.getItem(STORAGE_KEY) !== 'off';
  }

  set letters(on) {
    this.#storage.setItem(STORAGE_KEY, on ? 'on' : 'off');
  }

  /** @param {EventTarget} target */
  listen(target) {
    onKey(target, (event) => this.#key(event));
  }

  /**
   * The action of a key in a part of the page.
   * @param {Group} group
   * @param {Pressed} pressed
   * @returns {string | undefined}
   */
  action(group, pressed) {
    return this.find(group, pressed)?.action;
  }

  /**
   * @param {Group} group
   * @param {Pressed} pressed
   */
  find(group, pressed) {
    return SHORTCUTS.find(
      (shortcut) =>
        shortcut.group === group &&
        shortcut.keys.some(
          (key) => (this.letters || !isLetter(key)) && isPressed(key, pressed, this.#mac),
        ),
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented) return;
    const shortcut = [...PAGE]
      .map((group) => this.find(/** @type {Group} */ (group), event))
      .find(Boolean);
    if (!shortcut || !isMeant(shortcut, event)) return;
    event.preventDefault();
    this.#handlers[shortcut.name]?.();
  }
}

/**
 * False if the key belongs to something else: a text field, or a layer above the page.
 * @param {Shortcut} shortcut
 * @param {KeyboardEvent} event
 */
function isMeant(shortcut, event) {
  const target = /** @type {Element} */ (event.target);
  const writes = target.matches('input, textarea, select, [contenteditable]');
  if (writes && isLetter(event.key) && !event.ctrlKey && !event.metaKey) return false;
  // Esc clears a search field.
  if (event.key === 'Escape' && target.matches('input')) return false;
  const covered = document.querySelector('dialog[open], :popover-open');
  return !covered || (shortcut.name === 'switch' && covered.matches('.switcher'));
}
