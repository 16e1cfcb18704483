/** Writes version after version of a file, and says which one is on disk. */
import { openFile } from '../../../src/file/open/open-file.ts';
import { changeOf } from '../support/versions.ts';

const file = await openFile(process.argv[2] as string, 'w');
for (let n = 0; ; n++) {
  const change = changeOf(n, file.size);
  if (change.kind === 'replace') await file.replace(change.bytes);
  else if (change.kind === 'truncate') await file.truncate(change.length);
  else await file.write(change.offset, change.bytes);
  await file.sync();
  process.stdout.write(`${n}\n`);
}
