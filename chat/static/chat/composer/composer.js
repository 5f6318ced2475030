/**
 * The composer: the text, the message that it answers or edits, its length limit, and notices in
 * rooms where the user cannot post.
 * @module
 */

import { announce, onAction, setIcon, setText, slot, toastError } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { common } from '../lib/words.js';
import { isGone, postingObstacle } from '../rooms/rights.js';
import { quoteOf } from '../timeline/message.js';
import { completeEmoji, completePeople, completeRooms } from './completions.js';
import { Drafts } from './drafts.js';
import { takeEarlyMessages } from './early_messages.js';
import { formatted } from './formatting.js';
import { enterKeyHint, sends } from './send_key.js';
import { Suggestions } from './suggestions.js';
import { replaceText } from './text_field.js';
import { words } from './words.js';

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {import('./formatting.js').Format} Format
 *
 * @typedef {object} ComposerActions  The actions of the page that the composer needs.
 * @property {(body: string, replyTo: number | null) => void} post
 * @property {(message: Message, body: string) => Promise<boolean>} edit  false: refused, and the
 *   user was notified
 * @property {() => Message | null} lastOfMine
 * @property {() => void} typing
 * @property {() => void} join
 * @property {(opener: HTMLElement, chosen: (emoji: string) => void) => void} pickEmoji
 * @property {(opener: HTMLElement, chosen: (format: Format) => void) => void} pickFormat
 * @property {(event: KeyboardEvent) => string | undefined} shortcut  the action of a key
 */

/** The part of the limit from which the remaining length is shown. */
const COUNT_FROM = 0.9;

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
  /** The end of the wait of slow mode, in milliseconds since 1970. */
  #slowUntil = 0;
  #busy = false;
  /**
   * The newest message at the last change: a newer one of the user restarts the wait.
   */
  #newest;
  /** The user is muted; the end of the mute is announced. */
  #wasMuted = false;
  #left = Infinity;

  /**
   * @param {HTMLElement} root
   * @param {Room} room
   * @param {object} options
   * @param {number} options.limit  of the length of a message
   * @param {number} options.meId
   * @param {ComposerActions} options.actions
   * @param {() => Promise<import('../../realtime/types.js').User[]>} options.people
   * @param {() => Room[]} options.rooms
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
    this.#input.enterKeyHint = enterKeyHint();
    this.#input.addEventListener('input', () => this.#changed());
    onKey(this.#input, (event) => this.#key(event));
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

  /** Continue with the draft, followed by the text typed before the scripts were loaded. */
  #adopt() {
    const typed = this.#input.value;
    const text = [this.#drafts.text, typed].filter(Boolean).join('\n');
    if (text !== typed) this.#input.value = text;
    if (typed !== '') this.#drafts.text = text;
  }

  /**
   * The messages that were sent before the scripts were loaded. Those that cannot be sent are in
   * the field again.
   */
  takeEarly() {
    const texts = takeEarlyMessages(this.#root);
    const isOpen = postingObstacle(this.#room) === null && this.#wait === 0;
    const fits = (/** @type {string} */ text) => isOpen && [...text].length <= this.#limit;
    const refused = texts.filter((text) => !fits(text));
    if (refused.length > 0) {
      this.#input.value = [...refused, this.#input.value].filter(Boolean).join('\n');
      this.#changed();
    }
    return texts.filter(fits);
  }

  focus() {
    if (!slot(this.#root, 'form').hidden) this.#input.focus();
  }

  /** Insert a mention. @param {import('../../realtime/types.js').User} user */
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
   * Messages have changed: update the quoted message, and stop editing a deleted one.
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
      toastError(mine.hidden_at ? common.hidden : words.editedGone);
    } else if (mine) {
      this.#editing = mine;
    }
    if (mine || messages.some(({ id }) => id === this.#replyTo?.id)) this.paint();
  }

  /** A message was accepted: the wait of slow mode starts. */
  posted() {
    this.#waitAfter(new Date().toISOString());
    this.tick();
  }

  /**
   * @param {string} [iso]  the user's last post, by the server's clock; no wait is longer than the
   *   whole interval
   */
  #waitAfter(iso) {
    const milliseconds = this.#room.data.slow_mode * 1000;
    if (iso) this.#slowUntil = Math.min(Date.parse(iso), Date.now()) + milliseconds;
  }

  /** Seconds until slow mode allows the next message; 0: now. */
  get #wait() {
    if (!this.#room.data.slow_mode || this.#room.canModerate || this.#editing) return 0;
    return Math.max(0, Math.ceil((this.#slowUntil - Date.now()) / 1000));
  }

  /** Update the parts that change with time. */
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

  paint() {
    this.#input.placeholder = words.writeTo(this.#room.title);
    this.#paintContext();
    this.#paintCount();
    this.tick();
  }

  #paintNotice() {
    const why = postingObstacle(this.#room);
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
    // Announced once near the limit and once beyond it, but not with every letter.
    if (!count.hidden && (left < 0 ? this.#left >= 0 : this.#left > this.#limit * (1 - COUNT_FROM)))
      announce(words.left(left));
    this.#left = left;
    this.#paintSend();
  }

  #paintSend() {
    const send = /** @type {HTMLButtonElement} */ (slot(this.#root, 'send'));
    send.disabled = this.#busy || this.#wait > 0 || this.#input.value.trim() === '';
  }

  /** Show why a message is not sent. @param {string} problem */
  #showProblem(problem) {
    setText(this.#root, 'problem', problem);
    slot(this.#root, 'form').classList.toggle('composer__frame--problem', problem !== '');
  }

  #changed() {
    this.#showProblem('');
    this.#paintCount();
    if (this.#editing) return;
    this.#drafts.text = this.#input.value;
    if (this.#input.value.trim() !== '') this.#actions.typing();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.#suggestions.key(event)) return;
    const format = this.#actions.shortcut(event);
    if (format) {
      event.preventDefault();
      this.#format(/** @type {Format} */ (format));
    } else if (sends(event)) {
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
    if (over > 0) return this.#showProblem(words.tooLong(over, this.#limit));
    // It is shown below the text already.
    if (this.#wait > 0) return announce(words.slowWait(this.#wait));
    if (this.#editing) return this.#saveEdit(this.#editing, body);
    const replyTo = this.#replyTo?.id ?? null;
    this.#showProblem('');
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
    this.#showProblem('');
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
