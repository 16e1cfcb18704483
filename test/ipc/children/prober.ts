/** A child that keeps the bodies it is sent, and does to them what it is asked to. */
import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import type { OnWrite } from '../../../src/memory/imported-chunk.ts';
import { map } from '../../../src/os/mapping/mapping.ts';

const channel = parentChannel({ onWrite: (process.argv[2] ?? 'fault') as OnWrite });
const held: Aggregate[] = [];

channel.onRequest(({ head, body }) => {
  const { ask } = head as { ask: string };
  if (body !== undefined) held.push(body);
  if (ask === 'read') return { head: held.map(each => each.toString('utf8', 0, 40)) };
  if (ask === 'write') {
    for (const each of held) for (const view of each.views()) view.fill(0x58);
    return { head: held.map(each => each.toString()) };
  }
  if (ask === 'descriptors') return { head: descriptors().map(attack) };
  if (ask === 'send back') return { body: (held[0] as Aggregate).duplicate() };
  if (ask === 'release') for (const each of held.splice(0)) each.release();
  return { head: { imported: { ...channel.imported }, descriptors: descriptors().length } };
});

function descriptors(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter(fd => linkOf(fd).startsWith('/memfd:iolite'));
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/** What each way to change the memory behind a descriptor is answered with. */
function attack(fd: number): Record<string, string> {
  const reopened = openSync(`/proc/self/fd/${fd}`, 'r+');
  const outcome = {
    write: codeOf(() => writeSync(fd, 'x', 5000)),
    map: codeOf(() => map(fd, 4096, 'read-write', false)),
    writeReopened: codeOf(() => writeSync(reopened, 'x', 5000)),
    mapReopened: codeOf(() => map(reopened, 4096, 'read-write', false)),
  };
  closeSync(reopened);
  return outcome;
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
