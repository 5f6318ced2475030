/**
 * Says so when someone pastes or drops a file: Holdfast takes none, and without this the browser
 * would do nothing, or leave the page to open the file.
 * @module
 */

import { toastError } from './dom.js';
import { common } from './words.js';

/** Called once by the page. */
export function refuseFiles() {
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    /** @type {DataTransfer} */ (event.dataTransfer).dropEffect = 'none';
  });
  document.addEventListener('drop', (event) => refuse(event, event.dataTransfer));
  document.addEventListener('paste', (event) => {
    // A text that was copied from a document may come with its picture.
    if (!event.clipboardData?.types.includes('text/plain')) refuse(event, event.clipboardData);
  });
}

/** @param {Event} event @param {DataTransfer | null} data */
function refuse(event, data) {
  if (!hasFiles(data)) return;
  event.preventDefault();
  toastError(common.noFiles);
}

/** @param {DataTransfer | null} data */
const hasFiles = (data) => data?.types.includes('Files') ?? false;
