/**
 * Writes to a file in place, again and again with pauses between, until its input ends: appends lines of a
 * log, or exchanges all of the content by one call. Says each time how many bytes the file has then.
 */
import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { logLines, stampedBlocks } from '../support/growing-log.ts';

const [path, kind, pause, first] = process.argv.slice(2) as [string, string, string, string];
const { O_WRONLY, O_APPEND } = constants;
const fd = openSync(path, kind === 'append' ? O_WRONLY | O_APPEND : O_WRONLY);
let size = Number(first);
let version = 0;

function step(): void {
  version += 1;
  if (kind === 'append') {
    const lines = logLines(size, 1 + (version % 3));
    writeSync(fd, lines);
    size += lines.length;
  } else if (kind === 'copytruncate') {
    ftruncateSync(fd, 0);
    writeSync(fd, stampedBlocks(version, size), 0, size, 0);
  } else {
    const change = { same: 0, larger: 4096, smaller: -4096 }[kind] ?? 0;
    size = Math.max(4096, size + change);
    // What is on disk between the two calls is of one version.
    if (change < 0) ftruncateSync(fd, size);
    writeSync(fd, stampedBlocks(version, size), 0, size, 0);
  }
  process.stdout.write(`${size}\n`);
}

const timer = setInterval(step, Number(pause));
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  closeSync(fd);
});
