/** Says where names of its user lie, and whose the folder of one is. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { ownFolder, ownName } from '../../../../src/ipc/meet/own-folder.ts';

const folder = ownFolder() ?? null;
const name = dirname(ownName('test'));
const { uid, mode } = lstatSync(name);
console.log(JSON.stringify({ folder, name, isOurs: uid === process.geteuid?.() && (mode & 0o022) === 0 }));
