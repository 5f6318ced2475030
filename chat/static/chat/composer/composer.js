/**
 * Where one writes: the text, what it answers or changes, how much of it is allowed, and when one
 * may not write at all.
 * @module
 */

import { announce, complain, onAction, setIcon, setText, slot } from '../lib/dom.js';
import { common } from '../lib/words.js';
import { isGone, whyNot } from '../rooms/rights.js';
import { quoteOf } from '../timeline/message.js';
import { completeEmoji, completePeople, completeRooms } from './completions.js';
import { Drafts } from './drafts.js';
import { formatted } from './formatting.js';
import { Suggestions } from './suggestions.js';
import { replaceText } from './text_field.js';
import { words } from './words.js';

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {import('./formatting.js').Format} Format
 *
 * @typedef {object} ComposerActions  What the composer asks of its surroundings.
 * @property {(body: string, replyTo: number | null) => void} post
 * @property {(message: Message, body: string) => Promise<boolean>} edit false: it was refused, and
 *   the person was told
 * @property {() => Message | null} lastOfMine
 * @property {() => void} typing
 * @property {() => void} join
 * @property {(opener: HTMLElement, chosen: (emoji: string) => void) => void} pickEmoji
 * @property {(opener: HTMLElement, chosen: (format: Format) => void) => void} pickFormat
 * @property {(event: KeyboardEvent) => string | undefined} shortcut  what a key asks for
 */

const COUNT_FROM = 0.9; // of the limit: before that, nobody needs to know it

export class Composer {
  #root;
  #room;
  #meId;
  #limit;
  #actions;
  #drafts;
  #input;
  #suggestions;
  /** @type {Message | null} */
  #replyTo = null;
  /** @type {Message | null} */
  #editing = null;
  /** Until when the room's slow mode makes me wait, in milliseconds. */
  #slowUntil = 0;
  #busy = false;
  /**
   * The newest message when the composer last looked: what is newer and mine starts the wait anew.
   */
  #newest;
  /** A moderator has muted me: when that ends, it is said. */
  #wasMuted = false;
  #left = Infinity;

  /**
   * @param {HTMLElement} root
   * @param {Room} room
   * @param
   *   {{limit: number, meId: number, actions: ComposerActions, people: () => Promise<import('../../realtime/types.js').User[]>, rooms: () => Room[]}}
   *   options
   */
  constructor(root, room, { limit, meId, actions, people, rooms }) {
    this.#root = root;
    this.#room = room;
    this.#meId = meId;
    this.#limit = limit;
    this.#newest = room.lastNumber;
    this.#actions = actions;
    this.#drafts = new Drafts(meId, room.id);
    this.#input = /** @type {HTMLTextAreaElement} */ (slot(root, 'input'));
    this.#suggestions = new Suggestions(slot(root, 'suggestions'), this.#input, [
      completePeople(people),
      completeRooms(rooms),
      completeEmoji(),
    ]);
    this.#adopt();
    this.#input.addEventListener('input', () => this.#changed());
    this.#input.addEventListener('keydown', (event) => this.#key(event));
    slot(root, 'form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    onAction(root, {
      'drop-context': () => this.#drop(),
      'insert-emoji': (_event, element) =>
        actions.pickEmoji(element, (emoji) => this.#insert(emoji)),
      'pick-format': (_event, element) =>
        actions.pickFormat(element, (format) => this.#format(format)),
      join: () => actions.join(),
    });
    this.#waitAfter(actions.lastOfMine()?.created_at);
    this.paint();
  }

  /** Go on with the draft, and behind it with what was typed before the scripts had come. */
  #adopt() {
    const typed = this.#input.value;
    const text = [this.#drafts.text, typed].filter(Boolean).join('\n');
    if (text !== typed) this.#input.value = text;
    if (typed !== '') this.#drafts.text = text;
  }

  focus() {
    if (!slot(this.#root, 'form').hidden) this.#input.focus();
  }

  /** Put somebody's name into the text. @param {import('../../realtime/types.js').User} user */
  mention(user) {
    this.#insert(`@${user.username} `);
  }

  /** @param {Message} message */
  reply(message) {
    this.#stopEditing();
    this.#replyTo = message;
    this.#paintContext();
    this.#input.focus();
  }

  /** @param {Message} message */
  edit(message) {
    this.#editing = message;
    this.#replyTo = null;
    this.#input.value = message.body;
    this.paint();
    this.#input.focus();
    this.#input.setSelectionRange(message.body.length, message.body.length);
  }

  /**
   * Messages are in a new state: what is answered is shown as it is now, and what is deleted is
   * edited no longer.
   * @param {Message[]} messages
   */
  changed(messages) {
    if (
      messages.some(({ author, number = 0 }) => author.id === this.#meId && number > this.#newest)
    )
      this.posted();
    this.#newest = Math.max(this.#newest, ...messages.map(({ number = 0 }) => number));
    const mine = messages.find(({ id }) => id === this.#editing?.id);
    if (mine && isGone(mine)) {
      this.#stopEditing();
      complain(mine.hidden_at ? common.hidden : words.editedGone);
    } else if (mine) {
      this.#editing = mine;
    }
    if (mine || messages.some(({ id }) => id === this.#replyTo?.id)) this.paint();
  }

  /** A message of mine was taken: the room's slow mode starts to count. */
  posted() {
    this.#waitAfter(new Date().toISOString());
    this.tick();
  }

  /**
   * @param {string} [iso] when I last wrote; by the server's clock, so no wait is longer than the
   *   whole
   */
  #waitAfter(iso) {
    const milliseconds = this.#room.data.slow_mode * 1000;
    if (iso) this.#slowUntil = Math.min(Date.parse(iso), Date.now()) + milliseconds;
  }

  /** Seconds until slow mode lets me write again; 0: it does. */
  get #wait() {
    if (!this.#room.data.slow_mode || this.#room.canModerate || this.#editing) return 0;
    return Math.max(0, Math.ceil((this.#slowUntil - Date.now()) / 1000));
  }

  /** Say what changes with time. */
  tick() {
    const seconds = this.#room.data.slow_mode;
    const wait = this.#wait;
    const slow = slot(this.#root, 'slow');
    slow.hidden = !seconds || this.#room.canModerate;
    slow.dataset.waiting = String(wait > 0);
    if (!slow.hidden)
      setText(slow, 'slow-words', wait > 0 ? words.slowWait(wait) : words.slowMode(seconds));
    this.#paintSend();
    this.#paintNotice();
  }

  /** Show the room's and my own state anew. */
  paint() {
    this.#input.placeholder = words.writeTo(this.#room.title);
    this.#paintContext();
    this.#paintCount();
    this.tick();
  }

  #paintNotice() {
    const why = whyNot(this.#room);
    const notice = slot(this.#root, 'notice');
    notice.hidden = why === null;
    slot(this.#root, 'form').hidden = why !== null;
    const isMuted = why?.icon === 'volume-x';
    if (this.#wasMuted && why === null) announce(words.mutedNoMore);
    this.#wasMuted = isMuted;
    if (why === null) return;
    setText(notice, 'notice-words', why.words);
    setIcon(/** @type {Element} */ (notice.querySelector('svg')), why.icon);
    /** @type {HTMLElement} */ (notice.querySelector('[data-do="join"]')).hidden = !why.join;
  }

  #paintContext() {
    const context = slot(this.#root, 'context');
    const message = this.#editing ?? this.#replyTo;
    context.hidden = message === null;
    if (message === null) return setText(context, 'context-text', '');
    setIcon(
      /** @type {Element} */ (context.querySelector('svg')),
      this.#editing ? 'pencil' : 'reply',
    );
    setText(
      context,
      'context-what',
      this.#editing ? words.editing : words.replyingTo(message.author.name),
    );
    setText(
      context,
      'context-text',
      this.#editing ? '' : quoteOf(this.#room.quoted(/** @type {number} */ (message.id))),
    );
  }

  #paintCount() {
    const length = [...this.#input.value.trim()].length; // code points, as the server counts
    const left = this.#limit - length;
    const count = slot(this.#root, 'count');
    count.hidden = length < this.#limit * COUNT_FROM;
    count.dataset.over = String(left < 0);
    count.textContent = count.hidden ? '' : words.left(left);
    // Said once near the limit and once beyond it, not with every letter.
    if (!count.hidden && (left < 0 ? this.#left >= 0 : this.#left > this.#limit * (1 - COUNT_FROM)))
      announce(words.left(left));
    this.#left = left;
    this.#paintSend();
  }

  #paintSend() {
    const send = /** @type {HTMLButtonElement} */ (slot(this.#root, 'send'));
    send.disabled = this.#busy || this.#wait > 0 || this.#input.value.trim() === '';
  }

  /** Why it is not sent. @param {string} problem */
  #say(problem) {
    setText(this.#root, 'problem', problem);
    slot(this.#root, 'form').classList.toggle('composer__frame--problem', problem !== '');
  }

  #changed() {
    this.#say('');
    this.#paintCount();
    if (this.#editing) return;
    this.#drafts.text = this.#input.value;
    if (this.#input.value.trim() !== '') this.#actions.typing();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || this.#suggestions.key(event)) return;
    const format = this.#actions.shortcut(event);
    if (format) {
      event.preventDefault();
      this.#format(/** @type {Format} */ (format));
    } else if (
      event.key === 'Enter' &&
      !event.shiftKey &&
      !event.ctrlKey &&
      !event.altKey &&
      !event.metaKey
    ) {
      event.preventDefault();
      void this.#send();
    } else if (event.key === 'ArrowUp' && this.#input.value === '') {
      const last = this.#actions.lastOfMine();
      if (!last) return;
      event.preventDefault();
      this.edit(last);
    } else if (event.key === 'Escape' && (this.#editing || this.#replyTo)) {
      event.preventDefault();
      this.#drop();
    }
  }

  async #send() {
    const body = this.#input.value.trim();
    if (this.#busy || body === '') return;
    const over = [...body].length - this.#limit;
    if (over > 0) return this.#say(words.tooLong(over, this.#limit));
    // it stands below the text already
    if (this.#wait > 0) return announce(words.slowWait(this.#wait));
    if (this.#editing) return this.#saveEdit(this.#editing, body);
    const replyTo = this.#replyTo?.id ?? null;
    this.#say('');
    this.#input.value = '';
    this.#drafts.text = '';
    this.#replyTo = null;
    this.paint();
    this.#actions.post(body, replyTo);
  }

  /**
   * @param {Message} message
   * @param {string} body
   */
  async #saveEdit(message, body) {
    this.#busy = true;
    this.#paintCount();
    const saved = body === message.body || (await this.#actions.edit(message, body));
    this.#busy = false;
    if (saved && this.#editing?.id === message.id) this.#stopEditing();
    this.paint();
  }

  #drop() {
    this.#say('');
    this.#replyTo = null;
    this.#stopEditing();
    this.paint();
    this.#input.focus();
  }

  #stopEditing() {
    if (!this.#editing) return;
    this.#editing = null;
    this.#input.value = this.#drafts.text;
    this.#paintCount();
  }

  /** @param {string} text */
  #insert(text) {
    replaceText(this.#input, this.#input.selectionStart, this.#input.selectionEnd, text);
  }

  /** @param {Format} format */
  #format(format) {
    const { value, selectionStart, selectionEnd } = this.#input;
    const { start, end, text, from, to } = formatted(format, value, selectionStart, selectionEnd);
    replaceText(this.#input, start, end, text);
    this.#input.setSelectionRange(from, to);
  }
}
