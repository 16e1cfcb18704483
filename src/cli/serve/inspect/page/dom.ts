/** An element of the page that is there. */
export function at<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** A new element with children: texts, or elements. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (string | Node)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** Writes a text only where it is another: what is selected stays, and nothing is read out again. */
export function put(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The value of a variable of the style sheet, in the light or dark that there is now. */
export function shade(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A table whose rows are kept, by their keys, so that focus and selection survive an update. */
export class LiveTable {
  readonly #body = make('tbody');
  readonly #rows = new Map<string, HTMLTableRowElement>();

  constructor(table: HTMLElement, caption: string, heads: readonly string[]) {
    const cells = heads.map(head => make('th', { scope: 'col' }, head));
    table.replaceChildren(make('thead', {}, make('tr', {}, ...cells)), this.#body);
    table.setAttribute('aria-label', caption);
  }

  /** Shows these rows, in this order. The first cell of each is its head. */
  show(rows: readonly (readonly [key: string, cells: readonly string[]])[]): void {
    const keys = new Set(rows.map(([key]) => key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    rows.forEach(([key, cells], index) => {
      const row = this.#rowOf(key, cells.length);
      cells.forEach((text, column) => {
        put(row.cells[column] as Element, text);
      });
      const there = this.#body.children[index];
      if (there !== row) this.#body.insertBefore(row, there ?? null);
    });
  }

  #rowOf(key: string, columns: number): HTMLTableRowElement {
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = make('tr', { 'data-key': key }, make('th', { scope: 'row' }));
      for (let i = 1; i < columns; i++) row.append(make('td'));
      this.#rows.set(key, row);
    }
    return row;
  }
}

/** A list of names and figures, kept as {@link LiveTable} keeps its rows. */
export class LiveList {
  readonly #list: HTMLElement;
  #names = '';

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  show(pairs: readonly (readonly [name: string, value: string])[]): void {
    const names = pairs.map(([name]) => name).join('\n');
    if (names !== this.#names) {
      this.#list.replaceChildren(...pairs.flatMap(([name]) => [make('dt', {}, name), make('dd')]));
      this.#names = names;
    }
    const values = this.#list.querySelectorAll('dd');
    pairs.forEach(([, value], index) => {
      put(values[index] as Element, value);
    });
  }
}
