import { setImmediate } from 'node:timers/promises';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { Directory } from '../../../src/store/directory/directory.ts';

/**
 * Answers with a directory, and writes there one version after the other under one key, as fast as it can, in
 * which all that is said is the number of the version. Ends with its parent.
 */
const KEY = 'k'.repeat(500);
const channel = parentChannel();
const directory = new Directory(1000, () => {});

function write(number: number): void {
  const note = `${number} `.repeat(2000 - (number % 1000));
  directory.put({
    key: KEY,
    serial: number,
    kind: 0,
    facts: [number, number, number],
    note,
    content: undefined,
  });
}

write(1);
channel.onRequest(() => ({ body: directory.share() as never }));
channel.once('close', () => process.exit());
for (let number = 2; ; number++) {
  write(number);
  if (number % 5 === 0) await setImmediate();
}
