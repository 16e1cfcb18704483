/** What is drawn of each figure, and how. */
export interface Drawing {
  readonly figure: string;
  /** Of the file below docs/evaluation/. */
  readonly file: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly kind: 'lines' | 'bars';
}

export const DRAWINGS: readonly Drawing[] = [
  {
    figure: 'Fig. 3',
    file: 'figure-3.svg',
    title: 'Static content, a connection for each request',
    x: 'size of the document (kB)',
    y: 'bandwidth (Gb/s)',
    kind: 'lines',
  },
  {
    figure: 'Fig. 4',
    file: 'figure-4.svg',
    title: 'Static content, connections kept',
    x: 'size of the document (kB)',
    y: 'bandwidth (Gb/s)',
    kind: 'lines',
  },
  {
    figure: 'Fig. 5',
    file: 'figure-5.svg',
    title: 'Dynamic content, a connection for each request',
    x: 'size of the document (kB)',
    y: 'bandwidth (Gb/s)',
    kind: 'lines',
  },
  {
    figure: 'Fig. 6',
    file: 'figure-6.svg',
    title: 'Dynamic content, connections kept',
    x: 'size of the document (kB)',
    y: 'bandwidth (Gb/s)',
    kind: 'lines',
  },
  {
    figure: 'Fig. 7',
    file: 'figure-7.svg',
    title: 'Clients far away, in a fixed memory',
    x: 'delay each way (ms)',
    y: 'bandwidth (Gb/s)',
    kind: 'lines',
  },
  {
    figure: 'Fig. 7 buffers',
    file: 'figure-7-buffers.svg',
    title: 'Socket buffers of clients far away',
    x: 'delay each way (ms)',
    y: 'memory (MiB)',
    kind: 'lines',
  },
  {
    figure: 'Fig. 8',
    file: 'figure-8.svg',
    title: 'Programs: time to run, iolite = 1',
    x: '',
    y: 'time, relative to iolite',
    kind: 'bars',
  },
];
