/**
 * The texts of the messages that an inbox is about, as they are now. No DOM.
 *
 * The server sends them beside the notifications. After that the rooms' own streams carry every
 * change of a message, and this class follows them, so a deleted text disappears at once. A change
 * and an answer of the server may cross; the change wins, because the answer may have been read
 * before it.
 * @module
 */

/**
 * @typedef {import('../../realtime/types.js').Row} Row
 *
 * @typedef {object} ExcerptsOptions
 * @property {(subjects: string[]) => Promise<Record<string, string>>} ask  the server; a subject
 *   that is missing in the answer has no text for me
 * @property {(message: Row) => string} textOf  '' where the message has none for me
 * @property {() => void} changed
 */

/** Subjects in one request (notifications/subjects.py). */
const MAX_REQUESTED = 50;

export class Excerpts {
  #options;
  /** By subject; '' where there is no text. @type {Map<string, string>} */
  #texts = new Map();
  /** To be asked for. @type {Set<string>} */
  #wanted = new Set();
  /** Asked for. @type {Set<string>} */
  #asked = new Set();
  /** Counts changed texts and lost access. */
  #changes = 0;
  /** When each text changed, while a request is under way. @type {Map<string, number>} */
  #changedAt = new Map();
  #refreshed = 0;
  #underWay = 0;
  #asking = false;

  /** @param {ExcerptsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {string | null} subject */
  get(subject) {
    return this.#texts.get(subject ?? '') ?? '';
  }

  /**
   * A page of the inbox, with the texts beside the notifications.
   * @template {{notifications: Row[], excerpts: Record<string, string>}} Page
   * @param {Promise<Page>} asked
   */
  async page(asked) {
    return this.#answer(asked, ({ notifications, excerpts }) => ({
      subjects: notifications.map(({ subject }) => subject ?? ''),
      texts: excerpts,
    }));
  }

  /** The page as the server has rendered it. @param {Row[]} rows @param {Record<string, string>} texts */
  rendered(rows, texts) {
    for (const { subject } of rows) if (subject) this.#texts.set(subject, texts[subject] ?? '');
  }

  /** A notification came without a text. @param {Row} row */
  want({ subject, count }) {
    if (!subject || count === 0 || this.#texts.has(subject)) return;
    this.#wanted.add(subject);
    void this.#ask();
  }

  /** Access has changed: request everything again. */
  refresh() {
    for (const subject of this.#texts.keys()) this.#wanted.add(subject);
    this.#texts.clear();
    this.#changes += 1;
    this.#refreshed = this.#changes;
    this.#options.changed();
    void this.#ask();
  }

  /** Messages in a new state. @param {Row[]} messages */
  heard(messages) {
    let changed = false;
    for (const message of messages) {
      const subject = `room.${message.room}.${message.number}`;
      this.#changes += 1;
      if (this.#underWay > 0) this.#changedAt.set(subject, this.#changes);
      if (![this.#texts, this.#wanted, this.#asked].some((known) => known.has(subject))) continue;
      this.#texts.set(subject, this.#options.textOf(message));
      changed = true;
    }
    if (changed) this.#options.changed();
  }

  async #ask() {
    if (this.#asking || this.#wanted.size === 0) return;
    this.#asking = true;
    await Promise.resolve(); // what comes together is asked for together
    const subjects = [...this.#wanted].slice(0, MAX_REQUESTED);
    this.#asked = new Set(subjects);
    for (const subject of subjects) this.#wanted.delete(subject);
    try {
      await this.#answer(this.#options.ask(subjects), (texts) => ({ subjects, texts }));
    } catch {
      // without an answer the notifications stay without texts
    }
    this.#asked.clear();
    this.#asking = false;
    this.#options.changed();
    void this.#ask();
  }

  /**
   * Take the texts of an answer, but for those that have changed since it was asked for.
   * @template Answer
   * @param {Promise<Answer>} asked
   * @param {(answer: Answer) => {subjects: string[], texts: Record<string, string>}} found
   * @returns {Promise<Answer>}
   */
  async #answer(asked, found) {
    const since = this.#changes;
    this.#underWay += 1;
    try {
      const answer = await asked;
      const { subjects, texts } = found(answer);
      for (const subject of subjects) {
        if (subject === '' || (this.#changedAt.get(subject) ?? 0) > since) continue;
        if (this.#refreshed > since) this.#wanted.add(subject);
        else this.#texts.set(subject, texts[subject] ?? '');
      }
      return answer;
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#changedAt.clear();
      void this.#ask();
    }
  }
}
