/**
 * Announces new messages to screen readers: the newest one, at a pace that can be followed.
 * @module
 */

import { announce } from '../lib/dom.js';
import { isGone } from '../rooms/rights.js';
import { plainText } from './message.js';
import { words } from './words.js';

/** @typedef {import('./message.js').Message} Message */

const ANNOUNCE_EVERY_MS = 1000;

export class LiveRegion {
  /** The message announced last. @type {number | undefined} */
  #announced;
  /** @type {Message | null} */
  #next = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /** @param {Message} message */
  arrived(message) {
    this.#next = message;
    if (this.#pause === undefined) this.#announce();
  }

  /** Do not announce a message that was deleted or hidden meanwhile. @param {Message[]} messages */
  changed(messages) {
    for (const { id } of messages.filter(isGone)) {
      if (id === this.#next?.id) this.#next = null;
      if (id === this.#announced) announce('');
    }
  }

  stop() {
    clearTimeout(this.#pause);
  }

  #announce() {
    const message = this.#next;
    this.#next = null;
    this.#pause = message ? setTimeout(() => this.#announce(), ANNOUNCE_EVERY_MS) : undefined;
    if (!message) return;
    this.#announced = message.id;
    announce(words.said(message.author.name, plainText(message)));
  }
}
