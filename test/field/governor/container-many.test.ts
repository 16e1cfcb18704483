import { test } from 'node:test';
import { reasonToSkip, Site, serveByCommand } from '../../store/support/contained.ts';

// One a file, which has two minutes: 2.4 GB are read from disk.
test('in a container of 256 MiB, lowered to 160, iolite serve answers with 600 files of 1 MB', {
  skip: await reasonToSkip(),
}, async () => {
  using site = new Site(600, 1_000_000);
  await serveByCommand(site);
});
