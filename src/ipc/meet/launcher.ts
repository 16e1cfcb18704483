/**
 * Becomes a child that is confined to some files: landlock(7) binds the thread that asks for it alone, and
 * Node.js has several by the time that it runs a module. So it is asked for here, and the child is executed
 * by this thread, in the same process.
 */

import { replaceProcess } from '../../os/confine/exec.ts';
import { restrictFiles } from '../../os/confine/landlock.ts';
import { keepOnExec } from '../../os/descriptor.ts';
import { takeConfinement } from './confined.ts';

const STANDARD_STREAMS = [0, 1, 2];

const { descriptors, ...access } = takeConfinement(process.env);
// Node.js has marked them close-on-exec when it started.
for (const fd of [...STANDARD_STREAMS, ...descriptors]) keepOnExec(fd);
restrictFiles(access);
const [, , ...command] = process.argv;
replaceProcess(process.execPath, [process.argv0, ...process.execArgv, ...command], process.env);
