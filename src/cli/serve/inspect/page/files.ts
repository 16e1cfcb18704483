import { ageText, bytesText, countText } from '../figures.ts';
import { at, make, put } from './dom.ts';
import { FileDialog } from './file-dialog.ts';
import { ask } from './source.ts';

/** What of a page of the list is used here: see FilePage. */
interface Page {
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly forms: readonly string[];
    readonly uses: number;
    readonly age: number;
  }[];
  readonly matches: number;
  readonly next?: { readonly value: number; readonly path: string };
}

const PAGE_FILES = 25;
/** After the last key, so that not every letter is searched for. */
const TYPING_MS = 200;
/** A list is asked for anew so often at most: it costs a look at every file. */
const RENEWAL_MS = 5000;

/** The list of cached files: a page of it at a time. */
export class Files {
  readonly #body = make('tbody');
  readonly #dialog = new FileDialog();
  /** Where the pages before this one and this one begin. */
  #starts: (string | undefined)[] = [undefined];
  #next: string | undefined;
  #timer: number | undefined;
  #asked = 0;

  constructor() {
    const heads = ['file', 'size', 'forms', 'uses', 'age'].map(head => make('th', { scope: 'col' }, head));
    at('files').append(make('thead', {}, make('tr', {}, ...heads)), this.#body);
    at<HTMLFormElement>('search').addEventListener('submit', event => event.preventDefault());
    at('wanted').addEventListener('input', () => this.#restart(TYPING_MS));
    at('order').addEventListener('change', () => this.#restart(0));
    at('next').addEventListener('click', () => {
      this.#starts.push(this.#next);
      void this.#load();
    });
    at('previous').addEventListener('click', () => {
      this.#starts.pop();
      void this.#load();
    });
    void this.#load();
    setInterval(() => {
      const isUsed = at('files').contains(document.activeElement);
      if (!document.hidden && !isUsed && this.#starts.length === 1) void this.#load();
    }, RENEWAL_MS);
  }

  #restart(wait: number): void {
    clearTimeout(this.#timer);
    this.#starts = [undefined];
    this.#timer = setTimeout(() => void this.#load(), wait);
  }

  async #load(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    const query = new URLSearchParams({
      search: at<HTMLInputElement>('wanted').value,
      order: at<HTMLSelectElement>('order').value,
      count: String(PAGE_FILES),
      after: this.#starts.at(-1) ?? '',
    });
    const page = await ask<Page>(`/files.json?${query}`).catch(() => undefined);
    // Another one was asked for meanwhile.
    if (page === undefined || asked !== this.#asked) return;
    this.#next = page.next && JSON.stringify(page.next);
    this.#show(page);
  }

  #show({ files, matches }: Page): void {
    const first = (this.#starts.length - 1) * PAGE_FILES + 1;
    const range = `${countText(first)} to ${countText(first + files.length - 1)}`;
    put(at('matches'), files.length === 0 ? '' : `${range} of ${countText(matches)}`);
    at<HTMLButtonElement>('previous').disabled = this.#starts.length === 1;
    at<HTMLButtonElement>('next').disabled = this.#next === undefined;
    if (files.length === 0) {
      const isSearch = at<HTMLInputElement>('wanted').value !== '';
      const none = isSearch ? 'No file has that in its path.' : 'No file is cached yet.';
      this.#body.replaceChildren(make('tr', {}, make('td', { colspan: '5', class: 'none' }, none)));
      return;
    }
    this.#body.replaceChildren(
      ...files.map(({ path, size, forms, uses, age }) => {
        const cut = path.lastIndexOf('/') + 1;
        const folder = make('span', {}, path.slice(0, cut));
        const button = make('button', { type: 'button', title: path }, path.slice(cut), folder);
        button.addEventListener('click', () => void this.#dialog.open(path));
        const cells = [bytesText(size), forms.join(' ') || '–', countText(uses), ageText(age)];
        return make(
          'tr',
          {},
          make('th', { scope: 'row' }, button),
          ...cells.map(cell => make('td', {}, cell)),
        );
      }),
    );
  }
}
