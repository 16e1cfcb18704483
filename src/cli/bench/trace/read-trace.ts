import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { NEWLINE } from '../../../base/ascii.ts';
import { reasonOf } from '../../tools/tool.ts';
import { UserError } from '../../user-error.ts';
import { layoutOf, parseCsv } from './csv.ts';
import { type Trace, TraceBuilder } from './trace.ts';
import type { TraceLine } from './trace-line.ts';
import { isWebLog, parseWebLog } from './web-log.ts';

/** A trace, and how much of its file was of no use. */
export interface TraceFile {
  readonly trace: Trace;
  /** Lines that tell of no file that was read. */
  readonly skippedLines: number;
}

/** No server writes longer lines; what has longer ones is no log. */
const MAX_LINE_BYTES = 1024 ** 2;

/**
 * Reads a trace: a web server's log in common or combined format, or a CSV table, which the first line tells;
 * gzip'ed or not.
 * @param path of the file, or '-' for the standard input
 * @throws UserError when it cannot be read, or is no trace
 */
export async function readTrace(path: string): Promise<TraceFile> {
  const builder = new TraceBuilder();
  let parse: ((line: string) => TraceLine | undefined) | undefined;
  let isLog = false;
  let skippedLines = 0;
  try {
    for await (const line of linesOf(path)) {
      if (line === '' || line.startsWith('#')) continue;
      if (parse === undefined) {
        const format = formatOf(line, path);
        ({ parse, isLog } = format);
        if (format.header) continue;
      }
      const request = parse(line);
      if (request === undefined) skippedLines += 1;
      else builder.add(request.name, request.size);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    // Numbers of zlib's errors mean others to the system.
    throw new UserError(`Cannot read trace ${path}: ${code.startsWith('Z_') ? message : reasonOf(error)}`);
  }
  const trace = isLog ? builder.withLargestSizes() : builder.withStatedSizes();
  if (trace.files.length === 0)
    throw new UserError(`Cannot use trace ${path}: no line tells of a file that was read`);
  return { trace, skippedLines };
}

interface Format {
  readonly parse: (line: string) => TraceLine | undefined;
  readonly isLog: boolean;
  /** Whether the first line is no request. */
  readonly header: boolean;
}

function formatOf(line: string, path: string): Format {
  if (isWebLog(line)) return { parse: parseWebLog, isLog: true, header: false };
  const layout = layoutOf(line);
  if (layout !== undefined)
    return { parse: each => parseCsv(each, layout), isLog: false, header: layout.header };
  throw new UserError(
    `Cannot use trace ${path}: its first line is neither of a web log (common or combined ` +
      'format) nor of a CSV table ' +
      'with the columns time, key, size, or with a header that names a key and a size',
  );
}

/** Lines without their ends. As latin1, which keeps all bytes of names apart and decodes fast. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytesOf(path)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield* bytes.toString('latin1', 0, end - 1).split(/\r?\n/);
    rest = bytes.subarray(end);
    if (rest.length > MAX_LINE_BYTES) {
      throw new UserError(`Cannot use trace ${path}: a line has more than ${MAX_LINE_BYTES} bytes`);
    }
  }
  if (rest.length > 0) yield rest.toString('latin1').replace(/\r$/, '');
}

/** The bytes of a file, decompressed if they are those of a gzip file. */
async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const source: Readable = path === '-' ? process.stdin : createReadStream(path);
  const bytes: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  try {
    const first = await bytes.next();
    if (first.done === true) return;
    const all = prepend(first.value, bytes);
    if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) yield* all;
    // Errors of both streams come out of the iteration of the second.
    else yield* pipeline(Readable.from(all), createGunzip(), () => {});
  } finally {
    source.destroy();
  }
}

async function* prepend(first: Buffer, others: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await others.next(); next.done !== true; next = await others.next()) yield next.value;
}
