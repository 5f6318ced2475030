/**
 * The page of someone who is banned: they can send nothing any more, so nothing of them is kept.
 * @module
 */

import { takeAway } from './personal_data.js';

const card = /** @type {HTMLElement} */ (document.querySelector('[data-me]'));
void takeAway(Number(card.dataset.me));
