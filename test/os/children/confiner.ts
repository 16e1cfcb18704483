/** Starts a confined child, and prints what memory that finds it may have. */

import { fork } from '../../../src/ipc/meet/fork.ts';
import { programFiles } from '../../../src/os/confine/program-files.ts';

const OPENER = new URL('./opener.ts', import.meta.url);

const files = { read: programFiles(OPENER), write: ['/dev/null'] };
const { channel, process: child } = await fork(OPENER, [], { files });
const { head } = await channel.request({ head: { action: 'memory', path: '' } });
console.log(JSON.stringify(head));
await channel.close();
child.kill();
