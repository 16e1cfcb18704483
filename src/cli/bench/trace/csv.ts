import type { TraceLine } from './trace-line.ts';

/** Names of columns as traces in the wild have them (those of libCacheSim's oracleGeneral among them). */
const NAME_COLUMNS = [
  'key',
  'obj_id',
  'object_id',
  'objectid',
  'object',
  'id',
  'path',
  'url',
  'uri',
  'file',
  'name',
];
const SIZE_COLUMNS = ['size', 'obj_size', 'object_size', 'objectsize', 'value_size', 'bytes', 'length'];
const SEPARATORS = [',', '\t', ';', ' '];
const QUOTED = /"((?:[^"]|"")*)"/g;

/** Where in the lines of a table the requests are. */
export interface CsvLayout {
  readonly separator: string;
  readonly name: number;
  readonly size: number;
  /** Whether the first line names the columns. */
  readonly header: boolean;
}

/**
 * How a table is laid out, by its first line: the names of its columns, or else their order, which is time,
 * key, size and maybe more, or key, size.
 * @returns undefined if it is no such table
 */
export function layoutOf(line: string): CsvLayout | undefined {
  const separator = SEPARATORS.find(each => line.includes(each));
  if (separator === undefined) return undefined;
  const columns = split(line, separator);
  const names = columns.map(column => column.toLowerCase().replaceAll(/[ -]/g, '_'));
  const named = (known: readonly string[]): number => names.findIndex(name => known.includes(name));
  const [name, size] = [named(NAME_COLUMNS), named(SIZE_COLUMNS)];
  if (name !== -1 && size !== -1) return { separator, name, size, header: true };
  const ordered = columns.length === 2 ? { name: 0, size: 1 } : { name: 1, size: 2 };
  if (sizeOf(columns[ordered.size]) === undefined) return undefined;
  return { separator, ...ordered, header: false };
}

/** @returns undefined for a line that has no name or no size */
export function parseCsv(line: string, layout: CsvLayout): TraceLine | undefined {
  const columns = split(line, layout.separator);
  const name = columns[layout.name];
  const size = sizeOf(columns[layout.size]);
  return name === undefined || name === '' || size === undefined ? undefined : { name, size };
}

function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : undefined;
}

/** Columns without the space around them. Quoted ones (RFC 4180) may contain the separator. */
function split(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map(column => column.trim());
  const quoted: string[] = [];
  const marked = line.replaceAll('\0', '').replaceAll(QUOTED, (_, text: string) => {
    quoted.push(text.replaceAll('""', '"'));
    return '\0';
  });
  return marked.split(separator).map(column => column.trim().replaceAll('\0', () => quoted.shift() ?? ''));
}
