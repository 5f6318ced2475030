/**
 * The composer: the text, the message that it answers or edits, its length limit, and notices in
 * rooms where the user cannot post.
 * @module
 */

import { announce, onAction, setIcon, setText, slot, toast, toastError } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { common } from '../lib/words.js';
import { isGone, postingObstacle } from '../rooms/rights.js';
import { completeEmoji, completePeople, completeRooms } from './completions.js';
import { paintContext } from './context.js';
import { Drafts } from './drafts.js';
import { takeEarlyMessages } from './early_messages.js';
import { formatted } from './formatting.js';
import { enterKeyHint, sends } from './send_key.js';
import { SlowWait } from './slow_wait.js';
import { Suggestions } from './suggestions.js';
import { replaceText } from './text_field.js';
import { aidTyping } from './typing_aids.js';
import { words } from './words.js';

/**
 * @typedef {import('./drafts.js').Draft} Draft
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../timeline/message.js').Message} Message
 * @typedef {import('./formatting.js').Format} Format
 *
 * @typedef {object} ComposerActions  The actions of the page that the composer needs.
 * @property {(body: string, replyTo: number | null) => void} post
 * @property {(message: Message, body: string) => Promise<boolean>} edit  false: refused, and the
 *   user was notified
 * @property {(message: Message) => void} remove  asks first
 * @property {() => void} marked  another message is being edited, or none
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
  /** The id of the message to answer, until it is loaded. @type {number | null} */
  #wanted = null;
  /** @type {Message | null} */
  #editing = null;
  /** The text of the edited message from which the changes began. */
  #base = '';
  #slow;
  #busy = false;
  /** The newest message at the last change: a newer one of the user restarts the wait. */
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
    this.#slow = new SlowWait(room);
    this.#actions = actions;
    this.#drafts = new Drafts(meId, room.id, (draft) => {
      if (!this.#editing) this.#show(draft);
    });
    this.#input = /** @type {HTMLTextAreaElement} */ (slot(root, 'input'));
    this.#suggestions = new Suggestions(slot(root, 'suggestions'), this.#input, [
      completePeople(people),
      completeRooms(rooms),
      completeEmoji(),
    ]);
    this.#adopt();
    this.#input.enterKeyHint = enterKeyHint();
    this.#input.addEventListener('input', () => this.#changed());
    aidTyping(this.#input);
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
    this.#slow.startedAt(actions.lastOfMine()?.created_at);
    this.paint();
  }

  /** Continue with the draft, followed by the text typed before the scripts were loaded. */
  #adopt() {
    const typed = this.#input.value;
    const draft = this.#drafts.draft;
    const text = [draft.text, typed].filter(Boolean).join('\n');
    if (typed !== '') this.#drafts.draft = { ...draft, text };
    this.#show({ ...draft, text });
    this.#resume([]);
  }

  /** @param {Draft} draft */
  #show({ text, replyTo }) {
    if (this.#input.value !== text) this.#input.value = text;
    this.#replyTo = replyTo === null ? null : this.#room.quoted(replyTo);
    this.#wanted = this.#replyTo === null ? replyTo : null;
    this.paint();
  }

  /**
   * Continue the edit, or the answer to a message, that a reload has interrupted.
   * @param {Message[]} loaded
   */
  #resume(loaded) {
    const find = (/** @type {number} */ id) =>
      loaded.find((message) => message.id === id) ?? this.#room.quoted(id);
    const edited = this.#editing === null ? this.#drafts.editing : null;
    const message = edited === null ? null : find(edited);
    if (message && isGone(message)) this.#keepAsDraft(edited, null);
    else if (message) this.edit(message);
    if (this.#wanted === null) return;
    const answered = find(this.#wanted);
    if (!answered) return;
    this.#replyTo = answered;
    this.#wanted = null;
    this.#paintContext();
  }

  leave() {
    this.#drafts.leave();
  }

  /** The id of the message that is being edited. */
  get editingId() {
    return this.#editing?.id ?? null;
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
    this.#wanted = null;
    this.#store();
    this.#paintContext();
    this.#input.focus();
  }

  /** @param {Message} message */
  edit(message) {
    const id = /** @type {number} */ (message.id);
    if (this.#editing && this.#editing.id !== id && this.#hasChanges) toast(words.editKept);
    const kept = this.#drafts.edit(id);
    this.#editing = message;
    this.#drafts.editing = id;
    this.#base = kept?.base ?? message.body;
    this.#input.value = kept?.text ?? message.body;
    this.paint();
    this.#actions.marked();
    this.#input.focus();
    this.#input.setSelectionRange(this.#input.value.length, this.#input.value.length);
  }

  /** The text differs from that of the message that is being edited. */
  get #hasChanges() {
    return this.#input.value !== this.#base;
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
      const text = this.#hasChanges ? this.#input.value : null;
      this.#keepAsDraft(/** @type {number} */ (mine.id), text);
      if (text !== '') toastError(mine.hidden_at ? common.hidden : words.editedGone);
    } else if (mine) {
      if (!this.#hasChanges) {
        this.#base = mine.body;
        this.#input.value = mine.body;
      }
      this.#editing = mine;
    }
    this.#resume(messages);
    if (mine || messages.some(({ id }) => id === this.#replyTo?.id)) this.paint();
  }

  /** A message was accepted: the wait of slow mode starts. */
  posted() {
    this.#slow.start();
    this.tick();
  }

  /** Seconds until slow mode allows the next message; 0: now. */
  get #wait() {
    return this.#editing ? 0 : this.#slow.seconds;
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
    this.#input.placeholder = this.#editing ? words.change : words.writeTo(this.#room.title);
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
    paintContext(slot(this.#root, 'context'), {
      edited: this.#editing,
      base: this.#base,
      answered: this.#replyTo && this.#room.quoted(/** @type {number} */ (this.#replyTo.id)),
      author: this.#replyTo?.author.name ?? '',
    });
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
    const isEmpty = this.#input.value.trim() === '' && !this.#editing;
    send.disabled = this.#busy || this.#wait > 0 || isEmpty;
  }

  /** Show why a message is not sent. @param {string} problem */
  #showProblem(problem) {
    setText(this.#root, 'problem', problem);
    slot(this.#root, 'form').classList.toggle('composer__frame--problem', problem !== '');
  }

  #changed() {
    this.#showProblem('');
    this.#paintCount();
    this.#store();
    if (this.#editing) return;
    if (this.#input.value.trim() !== '') this.#actions.typing();
  }

  /** Keep the text, with what it answers or edits. */
  #store() {
    const text = this.#input.value;
    if (this.#editing) {
      const draft = this.#hasChanges ? { text, replyTo: null, base: this.#base } : null;
      this.#drafts.keepEdit(/** @type {number} */ (this.#editing.id), draft);
    } else this.#drafts.draft = { text, replyTo: this.#replyTo?.id ?? this.#wanted };
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
    if (this.#busy || (body === '' && !this.#editing)) return;
    if (body === '' && this.#editing) return this.#actions.remove(this.#editing);
    const over = [...body].length - this.#limit;
    if (over > 0) return this.#showProblem(words.tooLong(over, this.#limit));
    // It is shown below the text already.
    if (this.#wait > 0) return announce(words.slowWait(this.#wait));
    if (this.#editing) return this.#saveEdit(this.#editing, body);
    const replyTo = this.#replyTo?.id ?? this.#wanted;
    this.#showProblem('');
    this.#input.value = '';
    this.#replyTo = null;
    this.#wanted = null;
    this.#store();
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
    if (saved) this.#drafts.keepEdit(/** @type {number} */ (message.id), null);
    if (saved && this.#editing?.id === message.id) this.#stopEditing();
    this.paint();
  }

  #drop() {
    this.#showProblem('');
    if (this.#editing) this.#drafts.keepEdit(/** @type {number} */ (this.#editing.id), null);
    else {
      this.#replyTo = null;
      this.#wanted = null;
      this.#store();
    }
    this.#stopEditing();
    this.paint();
    this.#input.focus();
  }

  #stopEditing() {
    if (!this.#editing) return;
    this.#editing = null;
    this.#drafts.editing = null;
    this.#show(this.#drafts.draft);
    this.#actions.marked();
  }

  /**
   * The message that was being edited is gone: its changed text continues the draft of the room.
   * @param {number | null} message
   * @param {string | null} changed
   */
  #keepAsDraft(message, changed) {
    const id = /** @type {number} */ (message);
    const text = changed ?? this.#drafts.edit(id)?.text ?? '';
    const draft = this.#drafts.draft;
    this.#drafts.keepEdit(id, null);
    this.#drafts.editing = null;
    this.#editing = null;
    if (text.trim() !== '')
      this.#drafts.draft = { ...draft, text: [draft.text, text].filter(Boolean).join('\n') };
    this.#show(this.#drafts.draft);
    this.#actions.marked();
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
