/** Bytes of a line. */
export const LINE = 64;
const BLOCK = 4096;

/** Lines of a log that has `size` bytes already. Each is made of its place, so that any prefix is known. */
export function logLines(size: number, count: number): Buffer {
  const first = size / LINE;
  const lines = Array.from({ length: count }, (_, i) => `line ${first + i} `.padEnd(LINE - 1, '.'));
  return Buffer.from(lines.map(line => `${line}\n`).join(''));
}

/** The log as far as it was needed, made once. */
let log = Buffer.alloc(0);

/** Throws unless bytes are those of a log up to the end of a line. */
export function checkLog(bytes: Buffer): void {
  if (bytes.length % LINE !== 0) throw new Error(`it has ${bytes.length} bytes, which are no whole lines`);
  if (log.length < bytes.length)
    log = Buffer.concat([log, logLines(log.length, (bytes.length - log.length) / LINE)]);
  if (!bytes.equals(log.subarray(0, bytes.length))) throw new Error('its lines are not those of the log');
}

/** A content of which each 4 KiB say the version they are of. */
export function stampedBlocks(version: number, size: number): Buffer {
  const content = Buffer.alloc(size, '.');
  for (let at = 0; at < size; at += BLOCK) content.write(`${version} `, at, 'latin1');
  return content;
}

/** The versions that blocks of a content are of. */
export function versionsIn(content: Buffer): Set<number> {
  const found = new Set<number>();
  for (let at = 0; at < content.length; at += BLOCK)
    found.add(Number.parseInt(content.toString('latin1', at, at + 12), 10));
  return found;
}
