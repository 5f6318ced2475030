/**
 * Changes a text field as typing would: Ctrl-Z undoes the change, and the field fires `input`.
 * @module
 */

/**
 * Replace a part of the text, and put the caret behind it.
 * @param {HTMLTextAreaElement} field
 * @param {number} start
 * @param {number} end
 * @param {string} text
 */
export function replaceText(field, start, end, text) {
  field.focus({ preventScroll: true });
  field.setSelectionRange(start, end);
  // `execCommand` is deprecated, but nothing else keeps the undo history: setRangeText clears it.
  const done =
    text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
  if (done) return;
  field.setRangeText(text, start, end, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
}
