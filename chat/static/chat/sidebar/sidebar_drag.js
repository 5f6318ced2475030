/**
 * Drag and drop of rooms: into the favourites, within them, and out of them. The room's menu does
 * the same with the keyboard.
 * @module
 */

/**
 * @typedef {import('../rooms/room.js').Room} Room
 * @typedef {import('../rooms/rooms.js').Rooms} Rooms
 * @typedef {import('./favourites.js').Favourites} Favourites
 */

export class SidebarDrag {
  #root;
  #rooms;
  #favourites;
  #section;
  /** The dragged room. @type {Room | null} */
  #room = null;

  /**
   * @param {HTMLElement} root
   * @param {Rooms} rooms
   * @param {Favourites} favourites
   */
  constructor(root, rooms, favourites) {
    this.#root = root;
    this.#rooms = rooms;
    this.#favourites = favourites;
    this.#section = /** @type {HTMLElement} */ (root.querySelector('[data-section="favourites"]'));
    root.addEventListener('dragstart', (event) => this.#start(event));
    root.addEventListener('dragover', (event) => this.#over(event));
    root.addEventListener('dragleave', (event) => {
      if (!root.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#unmark();
    });
    root.addEventListener('drop', (event) => this.#drop(event));
    root.addEventListener('dragend', () => this.#end());
  }

  /** @param {DragEvent} event */
  #start(event) {
    const place = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (event.target).closest?.('.place')
    );
    this.#room = this.#rooms.get(Number(place?.dataset.room)) ?? null;
    if (!this.#room || !place || !event.dataTransfer) return;
    // Dropped into a message, it is still a link.
    event.dataTransfer.effectAllowed = 'copyMove';
    place.dataset.dragged = 'true';
    // Chromium cancels a drag if its start changes the page under the pointer.
    setTimeout(() => {
      if (this.#room) this.#section.hidden = false;
    });
  }

  /** @param {DragEvent} event */
  #over(event) {
    const section = this.#sectionOf(event);
    if (!this.#room || !section || (section !== this.#section && !this.#room.isFavourite))
      return this.#unmark();
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'move';
    this.#unmark();
    section.dataset.target = 'true';
    if (section !== this.#section) return;
    const items = this.#items();
    const index = this.#indexAt(event);
    if (index < items.length) items[index].dataset.drop = 'before';
    else if (items.length > 0) items[items.length - 1].dataset.drop = 'after';
  }

  /** @param {DragEvent} event */
  #drop(event) {
    const [room, section] = [this.#room, this.#sectionOf(event)];
    if (!room || !section) return;
    event.preventDefault();
    if (section === this.#section) {
      // The index does not count the room itself: one step down passes one room, not two.
      const index = this.#indexAt(event);
      const own = this.#items().findIndex((item) => item.querySelector('[data-dragged]'));
      const target = own >= 0 && own < index ? index - 1 : index;
      if (own !== target) void this.#favourites.place(room, target);
    } else if (room.isFavourite) void this.#favourites.remove(room);
    this.#end();
  }

  #end() {
    this.#unmark();
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (
      this.#root.querySelectorAll('[data-dragged]')
    ))
      delete place.dataset.dragged;
    this.#room = null;
    this.#section.hidden = this.#items().length === 0;
  }

  /** @param {DragEvent} event @returns {HTMLElement | null} */
  #sectionOf(event) {
    return /** @type {Element} */ (event.target).closest?.('[data-section]') ?? null;
  }

  #items() {
    return /** @type {HTMLElement[]} */ ([...this.#section.querySelectorAll('.place-item')]);
  }

  /** The index of the favourite behind the pointer. @param {DragEvent} event */
  #indexAt(event) {
    const items = this.#items();
    const found = items.findIndex((item) => {
      const { top, height } = item.getBoundingClientRect();
      return event.clientY < top + height / 2;
    });
    return found < 0 ? items.length : found;
  }

  #unmark() {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (
      this.#root.querySelectorAll('[data-drop], [data-target]')
    )) {
      delete element.dataset.drop;
      delete element.dataset.target;
    }
  }
}
