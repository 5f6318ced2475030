/**
 * The search field in the sidebar.
 * @module
 */

export class SearchField {
  #form;
  #go;

  /**
   * @param {HTMLFormElement} form
   * @param {(url: string) => void} go
   */
  constructor(form, go) {
    this.#form = form;
    this.#go = go;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      go(`${form.action}?${new URLSearchParams({ q: this.#input.value.trim() })}`);
      form.reset();
    });
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem('q'));
  }

  /**
   * Focus a search field: of the search page, else of the sidebar, else open the search page.
   */
  open() {
    const shown = /** @type {HTMLInputElement | null} */ (
      document.querySelector('#main [data-view="search"] [data-slot="q"]')
    );
    const field =
      shown ?? (this.#input.checkVisibility({ visibilityProperty: true }) ? this.#input : null);
    if (!field) return this.#go(this.#form.action);
    field.focus();
    field.select();
  }
}
