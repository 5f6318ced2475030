/**
 * The worker that solves the proof of work beside the page.
 * @module
 */

import { solve } from './proof_of_work.js';

addEventListener('message', ({ data: { seed, bits } }) => postMessage(solve(seed, bits)));
