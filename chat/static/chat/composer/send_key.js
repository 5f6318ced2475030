/**
 * The key that sends a message: Enter. On a touch screen Enter makes a new line, because its
 * keyboard has no Shift+Enter, and the button sends. Ctrl+Enter and ⌘+Enter send everywhere.
 * @module
 */

const isTouch = () => matchMedia('(pointer: coarse)').matches;

/** @param {KeyboardEvent} event */
export function sends({ key, shiftKey, altKey, ctrlKey, metaKey }) {
  if (key !== 'Enter' || shiftKey || altKey) return false;
  return ctrlKey || metaKey || !isTouch();
}

/** The sign on the Enter key of an on-screen keyboard. */
export const enterKeyHint = () => (isTouch() ? 'enter' : 'send');
