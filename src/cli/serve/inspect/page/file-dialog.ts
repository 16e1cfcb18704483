import { ageText, bytesText, countText } from '../figures.ts';
import { at, make } from './dom.ts';
import { ask, InspectorRefusal } from './source.ts';

/** What of a file is used here: see MappedFile. */
interface ShownFile {
  readonly path: string;
  readonly size: number;
  readonly kept: number;
  readonly mediaType: string;
  readonly serial: number;
  readonly uses: number;
  readonly age: number;
  readonly sinceUse: number;
  readonly sinceCheck: number;
  readonly modifiedAt: number;
  readonly extent?: number;
  readonly indexes: number;
  readonly users: number;
  readonly ownUsers: number;
  readonly versions: readonly {
    readonly coding: string;
    readonly size: number;
    readonly etag: string;
    readonly inodes: readonly number[];
  }[];
  readonly mappers: readonly (readonly number[])[];
  readonly left: readonly {
    readonly serial: number;
    readonly etag: string;
    readonly size: number;
    readonly leftAt: number;
    readonly holders: number;
  }[];
}

/** What is known of one file, in front of the page. */
export class FileDialog {
  readonly #dialog = at<HTMLDialogElement>('file');

  constructor() {
    // A click beside it closes it.
    this.#dialog.addEventListener('click', event => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  async open(path: string): Promise<void> {
    let content: readonly Node[];
    try {
      content = contentOf(await ask<ShownFile>(`/file.json?path=${encodeURIComponent(path)}`));
    } catch (error) {
      const isGone = error instanceof InspectorRefusal && error.status === 404;
      content = [make('p', {}, isGone ? 'It is no longer in the cache.' : 'The server does not answer.')];
    }
    const close = make('button', { type: 'button', class: 'close' }, 'Close');
    close.addEventListener('click', () => this.#dialog.close());
    this.#dialog.replaceChildren(make('h2', { id: 'file-title' }, path), close, ...content);
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}

function contentOf(file: ShownFile): Node[] {
  const facts: (readonly [string, string])[] = [
    [
      'Size',
      bytesText(file.size) + (file.kept === file.size ? '' : `, ${bytesText(file.kept)} with its forms`),
    ],
    ['Media type', file.mediaType],
    ['Uses', `${countText(file.uses)}, the last ${ageText(file.sinceUse)} ago`],
    ['Cached for', ageText(file.age)],
    ['Modified', new Date(file.modifiedAt).toLocaleString()],
    ['Checked', `${ageText(file.sinceCheck)} ago`],
    ['Held by', heldBy(file)],
  ];
  if (file.extent !== undefined) facts.push(['Kept by', `extents of ${bytesText(file.extent)}`]);
  return [
    make('dl', {}, ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])),
    make('h3', {}, 'Forms of its version'),
    tableOf(
      ['coding', 'size', 'entity tag', 'chunks', 'mapped by'],
      file.versions.map(({ coding, size, etag, inodes }, index) => [
        coding,
        bytesText(size),
        etag,
        inodes.join(' '),
        (file.mappers[index] ?? []).join(' '),
      ]),
    ),
    ...(file.left.length === 0
      ? []
      : [
          make('h3', {}, 'Versions that have left'),
          tableOf(
            ['entity tag', 'size', 'left', 'held here'],
            file.left.map(({ etag, size, leftAt, holders }) => [
              etag,
              bytesText(size),
              `${ageText(leftAt)} ago`,
              countText(holders),
            ]),
          ),
        ]),
  ];
}

function heldBy({ indexes, users, ownUsers }: ShownFile): string {
  const domains = indexes === 1 ? '1 process has' : `${indexes} processes have`;
  const uses = [
    ...(users === 0 ? [] : [`${users} of these`]),
    ...(ownUsers === 0 ? [] : [`the primary ${ownUsers === 1 ? 'once' : `${ownUsers} times`}`]),
  ];
  return `${domains} it in the index; used just now by ${uses.join(' and ') || 'nobody'}`;
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const table = make(
    'table',
    {},
    make('thead', {}, make('tr', {}, ...heads.map(head => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map(cell => make('td', {}, cell))))),
  );
  return make('div', { class: 'scroll' }, table);
}
