/**
 * The actions on a message: one toolbar, which moves to the message under the pointer or with the
 * focus, the keys, and a menu of all actions, which a finger opens.
 * @module
 */

import { clone, iconOf, onAction, toast, toastError } from '../lib/dom.js';
import { onKey } from '../lib/keys.js';
import { onLongPress } from '../lib/long_press.js';
import { isGone, messageRights } from '../rooms/rights.js';
import { quoteOf, reach } from './message.js';
import { showReactors } from './reactors.js';
import { words } from './words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../rooms/room_view.js').RoomView} RoomView
 * @typedef {import('./message.js').Message} Message
 */

const RIGHT_OF = {
  'pick-reaction': 'react',
  reply: 'reply',
  edit: 'edit',
  'copy-link': 'link',
  report: 'report',
  delete: 'delete',
  'mark-unread': 'unread',
  readers: 'readers',
};

/** Nothing but a finger: the toolbar would lie on the text. */
const isTouch = () => matchMedia('(hover: none)').matches;

export class MessageTools {
  #view;
  #app;
  #list;
  #toolbar = clone('tools-template');
  /** @type {Record<string, (message: Message, opener: HTMLElement) => void>} */
  #actions;
  /**
   * Called with changed messages while a dialog about one is open.
   * @type {((messages: Message[]) => void) | null}
   */
  #asked = null;
  /** The finger closes the keyboard or a menu. */
  #closes = false;

  /**
   * @param {HTMLElement} root
   * @param {RoomView} view
   * @param {App} app
   */
  constructor(root, view, app) {
    this.#view = view;
    this.#app = app;
    this.#list = /** @type {HTMLElement} */ (root.querySelector('[data-slot="list"]'));
    this.#actions = {
      'pick-reaction': (message, opener) =>
        app.emoji.open(opener, (emoji) => void this.#react(message, emoji)),
      reply: (message) => view.composer.reply(message),
      edit: (message) => view.composer.edit(message),
      'copy-link': (message) => void this.#copyLink(message),
      'mark-unread': (message) =>
        void view.room.markUnread(/** @type {number} */ (message.number)).catch(toastError),
      readers: (message) => void view.receipts.show(message),
      report: (message) => void this.#report(message),
      delete: (message) => this.delete(message),
    };
    this.#listen();
  }

  /** Ask, and delete a message. @param {Message} message */
  delete(message) {
    void this.#delete(message);
  }

  /**
   * Messages have changed, and so may have the actions on them.
   * @param {Message[]} messages
   */
  changed(messages) {
    const element = this.#toolbar.parentElement;
    const shown = element && this.#view.timeline.messageOf(element);
    if (shown && messages.some(({ id }) => id === shown.id)) this.#permit(shown);
    this.#asked?.(messages);
  }

  #listen() {
    const list = this.#list;
    list.addEventListener('pointerover', (event) => this.#moveTo(event.target));
    list.addEventListener('pointerleave', () => this.#moveTo(document.activeElement));
    list.addEventListener('focusin', (event) => this.#focused(event));
    list.addEventListener('focusout', (event) => {
      const left = /** @type {Element} */ (event.target).closest('.message');
      if (left && !list.contains(/** @type {Node | null} */ (event.relatedTarget)))
        reach(/** @type {HTMLElement} */ (left), false);
      if (
        !list.contains(/** @type {Node | null} */ (event.relatedTarget)) &&
        !list.matches(':hover')
      )
        this.#toolbar.remove();
    });
    onKey(list, (event) => this.#key(event));
    list.addEventListener('pointerdown', () => {
      this.#closes = document.querySelector(':popover-open, textarea:focus, input:focus') !== null;
    });
    list.addEventListener('click', (event) => this.#click(event));
    onLongPress(list, '.reaction', (element) => {
      const message = this.#view.timeline.messageOf(element);
      if (message) void this.#showReactors(message);
    });
    const carryOut =
      (/** @type {string} */ name) =>
      (/** @type {Event} */ _event, /** @type {HTMLElement} */ element) => {
        const message = this.#view.timeline.messageOf(element);
        if (message) this.#actions[name](message, element);
      };
    onAction(list, {
      ...Object.fromEntries(Object.keys(this.#actions).map((name) => [name, carryOut(name)])),
      react: (_event, element) => this.#toggle(element),
    });
  }

  /** @param {EventTarget | null} target */
  #moveTo(target) {
    const element = /** @type {HTMLElement | null} */ (
      target instanceof Element ? target.closest('.message') : null
    );
    const message =
      element && this.#list.contains(element) ? this.#view.timeline.messageOf(element) : undefined;
    if (!element || !message || isTouch()) return this.#toolbar.remove();
    if (this.#toolbar.parentElement === element) return;
    this.#permit(message);
    element.append(this.#toolbar);
  }

  /** Show the buttons that the message allows. @param {Message} message */
  #permit(message) {
    const mine = !isGone(message) && message.author.id === this.#app.me.id;
    const rights = {
      ...messageRights(this.#view.room, message, this.#app.me.id),
      readers: mine && this.#view.receipts.isOn,
    };
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (
      this.#toolbar.querySelectorAll('[data-do]')
    )) {
      button.hidden =
        !rights[
          /** @type {keyof typeof rights} */ (
            RIGHT_OF[/** @type {keyof typeof RIGHT_OF} */ (button.dataset.do)]
          )
        ];
    }
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    const element = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (event.target).closest('.message')
    );
    if (!element) return;
    for (const other of /** @type {NodeListOf<HTMLElement>} */ (
      this.#list.querySelectorAll('.message[tabindex="0"]')
    )) {
      other.tabIndex = -1;
      if (other !== element) reach(other, false);
    }
    element.tabIndex = 0;
    this.#moveTo(element);
    reach(element, true);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const element = /** @type {HTMLElement} */ (event.target);
    if (!element.classList.contains('message') || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) {
      const all = this.#view.timeline.all.filter(
        (one) => one === element || one.offsetParent !== null,
      );
      event.preventDefault();
      all[all.indexOf(element) + step]?.focus();
      return;
    }
    if (event.key === 'End') {
      event.preventDefault();
      void this.#view.toNewest().then(() => this.#view.timeline.all.at(-1)?.focus());
      return;
    }
    const name = this.#app.shortcuts.action('message', event);
    const message = name && this.#view.timeline.messageOf(element);
    if (!message) return;
    if (name === 'actions') this.#openMenu(element, message);
    else {
      const button = this.#buttons(message).find(({ dataset }) => dataset.do === name);
      if (!button) return;
      this.#actions[name](message, button.isConnected ? button : element);
    }
    event.preventDefault();
  }

  /** The buttons of the actions that the message allows. @param {Message} message */
  #buttons(message) {
    this.#permit(message);
    return /** @type {HTMLElement[]} */ ([
      ...this.#toolbar.querySelectorAll('[data-do]:not([hidden])'),
    ]);
  }

  /**
   * @param {HTMLElement} element
   * @param {Message} message
   */
  #openMenu(element, message) {
    const items = this.#buttons(message).map((button) => ({
      label: button.ariaLabel ?? '',
      icon: iconOf(button),
      danger: button.classList.contains('icon-button--danger'),
      run: () => this.#actions[button.dataset.do ?? ''](message, element),
    }));
    if (!isGone(message) && Object.values(message.reactions).some(({ length }) => length > 0))
      items.splice(1, 0, {
        label: words.whoReacted,
        icon: 'users',
        danger: false,
        run: () => void this.#showReactors(message),
      });
    this.#app.menu.open(element, words.actions, items);
  }

  /** @param {Message} message */
  async #showReactors(message) {
    const name = (/** @type {number} */ id) =>
      id === this.#app.me.id ? words.you : this.#app.people.name(id);
    // Loads the names that are missing.
    if (
      Object.values(message.reactions)
        .flat()
        .some((id) => !name(id))
    )
      await this.#app.membersOf(this.#view.room).catch(() => {});
    showReactors(message.reactions, name);
  }

  /** A click on a quote shows the quoted message; a tap on a message its actions. @param {Event} event */
  #click(event) {
    if (isTouch() && !this.#closes) this.#tap(/** @type {Element} */ (event.target));
    const quote = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element} */ (event.target).closest('.message__quote[href]')
    );
    const number = Number(quote?.pathname.split('/').at(-2));
    if (!quote || !number) return;
    event.preventDefault();
    event.stopPropagation();
    // An address of its own, so that there is a way back.
    void this.#app.go(`${this.#view.room.url}${number}/`);
  }

  /** @param {Element} target */
  #tap(target) {
    if (target.closest('a, button, summary, .code') || String(getSelection())) return;
    const element = /** @type {HTMLElement | null} */ (target.closest('.message'));
    const message = element && this.#view.timeline.messageOf(element);
    if (element && message) this.#openMenu(element, message);
  }

  /** @param {HTMLElement} button */
  #toggle(button) {
    const message = this.#view.timeline.messageOf(button);
    if (!message || !messageRights(this.#view.room, message, this.#app.me.id).react) return;
    void this.#react(
      message,
      button.dataset.emoji ?? '',
      button.getAttribute('aria-pressed') !== 'true',
    );
  }

  /**
   * @param {Message} message
   * @param {string} emoji
   * @param {boolean} [on]
   */
  #react(message, emoji, on = true) {
    return this.#command('message.react', { message: message.id, emoji, on });
  }

  /** @param {Message} message */
  async #delete(message) {
    const isMine = message.author.id === this.#app.me.id;
    const question = {
      heading: words.deleteTitle,
      text: isMine ? words.deleteText : words.removeText,
      confirm: words.delete,
      quote: message.body,
      reason: !isMine,
    };
    let isGone = false;
    await this.#asking(message, () =>
      this.#app.dialogs.confirm(question, async ({ reason }) => {
        const { message: deleted } = await this.#app.client.command('message.delete', {
          message: message.id,
          ...(reason ? { reason } : {}),
        });
        this.#view.room.messageUpdated(deleted);
        isGone = true;
      }),
    );
    // The button is gone with the text, so the focus moves to the note that replaces it.
    if (isGone)
      /** @type {HTMLElement | null} */ (
        this.#list.querySelector(`[data-message="${message.id}"]`)
      )?.focus({ preventScroll: true });
  }

  /** @param {Message} message */
  #report(message) {
    return this.#asking(message, () =>
      this.#app.dialogs.report(words.reportMessage, message.body, async ({ category, note }) => {
        await this.#app.client.command('message.report', {
          message: message.id,
          category,
          ...(note ? { note } : {}),
        });
        toast(words.reported);
      }),
    );
  }

  /**
   * While a dialog asks about a message, it quotes the present text.
   * @param {Message} message
   * @param {() => Promise<void>} ask
   */
  async #asking(message, ask) {
    this.#asked = (messages) => {
      const now = messages.find(({ id }) => id === message.id);
      if (now) this.#app.dialogs.quote(isGone(now) ? quoteOf(now) : now.body);
    };
    await ask();
    this.#asked = null;
  }

  /** @param {Message} message */
  async #copyLink(message) {
    await this.#app.copy(new URL(`${this.#view.room.url}${message.number}/`, location.origin).href);
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} fields
   */
  async #command(name, fields) {
    try {
      const { message } = await this.#app.client.command(name, fields);
      this.#view.room.messageUpdated(message);
    } catch (error) {
      toastError(error);
    }
  }
}
