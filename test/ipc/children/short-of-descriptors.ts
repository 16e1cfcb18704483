/**
 * Takes bodies with few descriptors to spare. Argument: 'releases', each at once, or 'keeps', all of them
 * until there is no descriptor left. Answers how many came, when asked.
 */
import { closeSync, openSync } from 'node:fs';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { limitDescriptors } from '../../support/no-descriptors.ts';

const SPARE_DESCRIPTORS = 24;
const LOOK_PAUSE_MS = 5;

const [program = ''] = process.argv.slice(2);
// Numbers are given from the lowest on.
const lowest = openSync('/dev/null', 'r');
closeSync(lowest);
limitDescriptors(lowest + SPARE_DESCRIPTORS);
const channel = parentChannel();

const kept: Aggregate[] = [];
const texts: string[] = [];
let isFull = false;

/** Whether a chunk cannot be taken, which needs two. */
function look(): void {
  const fds: number[] = [];
  try {
    while (fds.length < 2) fds.push(openSync('/dev/null', 'r'));
  } catch {
    isFull = true;
  }
  for (const fd of fds) closeSync(fd);
  if (isFull) for (const body of kept.splice(0)) body.release();
}
if (program === 'keeps') setInterval(look, LOOK_PAUSE_MS).unref();

channel.onRequest(() => ({ head: { texts: texts.length, isRight: texts.every(isText), isFull } }));
for await (const { body } of channel) {
  if (body === undefined) continue;
  texts.push(body.toString('latin1', 0, 8));
  if (program === 'keeps' && !isFull) kept.push(body);
  else body.release();
}

function isText(text: string, position: number): boolean {
  return Number(text) === position;
}
