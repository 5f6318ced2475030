/**
 * What a screen reader says of messages that come in: the newest one, no faster than somebody can
 * listen.
 * @module
 */

import { announce } from '../lib/dom.js';
import { isGone } from '../rooms/rights.js';
import { plainText } from './message.js';
import { words } from './words.js';

/** @typedef {import('./message.js').Message} Message */

const SAY_EVERY_MS = 1000;

export class Aloud {
  /** Was said last. @type {number | undefined} */
  #said;
  /** @type {Message | null} */
  #next = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /** @param {Message} message */
  arrived(message) {
    this.#next = message;
    if (this.#pause === undefined) this.#say();
  }

  /** What is gone is not said any more. @param {Message[]} messages */
  changed(messages) {
    for (const { id } of messages.filter(isGone)) {
      if (id === this.#next?.id) this.#next = null;
      if (id === this.#said) announce('');
    }
  }

  stop() {
    clearTimeout(this.#pause);
  }

  #say() {
    const message = this.#next;
    this.#next = null;
    this.#pause = message ? setTimeout(() => this.#say(), SAY_EVERY_MS) : undefined;
    if (!message) return;
    this.#said = message.id;
    announce(words.said(message.author.name, plainText(message)));
  }
}
