/**
 * Changing a text field as a person would: what it does can be undone with Ctrl-Z, and the field
 * says that it has changed.
 * @module
 */

/**
 * Replace a part of the text; the caret stands behind it then.
 * @param {HTMLTextAreaElement} field
 * @param {number} start
 * @param {number} end
 * @param {string} text
 */
export function replaceText(field, start, end, text) {
  field.focus({ preventScroll: true });
  field.setSelectionRange(start, end);
  // Deprecated, and the only way that keeps the browser's own list of what can be undone:
  // setRangeText empties it.
  const done =
    text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
  if (done) return;
  field.setRangeText(text, start, end, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
}
