import { test } from 'node:test';
import { reasonToSkip, Site, serveByProgram } from '../../store/support/contained.ts';

// One a file, which has two minutes: 2.4 GB are read from disk.
test('in a container of 256 MiB, lowered to 160, a program by defaults answers with 75 files of 8 MB', {
  skip: await reasonToSkip(),
}, async () => {
  using site = new Site(75, 8_000_000);
  await serveByProgram(site);
});
