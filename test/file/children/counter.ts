/**
 * Adds to the number in a file as often as it is told, against others who do the same. Says how often it was
 * too late.
 */
import { openFile } from '../../../src/file/open/open-file.ts';

const [path, times] = process.argv.slice(2) as [string, string];
const file = await openFile(path, 'r+');
let conflicts = 0;
for (let i = 0; i < Number(times); ) {
  using digits = await file.read(0, file.size);
  await file.replace(`${Number(digits.toString()) + 1}`);
  try {
    await file.sync();
    i += 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_IOLITE_CONFLICT') throw error;
    conflicts += 1;
    await file.reload();
  }
}
await file.close();
process.stdout.write(`${conflicts}\n`);
