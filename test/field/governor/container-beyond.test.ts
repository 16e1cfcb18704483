import { test } from 'node:test';
import { reasonToSkip, Site, serveByProgram } from '../../store/support/contained.ts';

// One a file, which has two minutes: 2.4 GB are read from disk.
test('in a container of 256 MiB, lowered to 160, a budget of 1 GiB does for 600 files of 1 MB', {
  skip: await reasonToSkip(),
}, async () => {
  using site = new Site(600, 1_000_000);
  await serveByProgram(site, { budget: 1024 ** 3 });
});
