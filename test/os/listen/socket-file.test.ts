import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { listenOnPath } from '../../../src/http/server/listen-on.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { giveSocketFile } from '../../../src/os/listen/socket-file.ts';
import { openUnixListener } from '../../../src/os/listen/unix-listener.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const MODE = 0o666;
const SECRET_MODE = 0o600;

/** A file that nobody else may read, and how whoever can write a folder leads a name in it to that file. */
class Victim {
  readonly path: string;

  constructor(folder: Folder) {
    this.path = folder.file('victim');
    writeFileSync(this.path, 'secret');
    chmodSync(this.path, SECRET_MODE);
  }

  linkTo(path: string): void {
    symlinkSync(this.path, `${path}.link`);
    renameSync(`${path}.link`, path);
  }

  check(name: string): void {
    assert.equal(statSync(this.path).mode & 0o777, SECRET_MODE, name);
  }
}

/** When something has a name, before the event loop goes on. */
async function appearance(path: string): Promise<void> {
  while (!existsSync(path)) await undefined;
}

test('what is put in the place of a socket that was bound just now is given to nobody', async () => {
  using folder = new Folder();
  const victim = new Victim(folder);
  const path = folder.file('socket');
  const server = createServer();
  const attempts: Record<string, () => Promise<unknown>> = {
    channels: () => listen(path, { mode: MODE }),
    servers: () => listenOnPath(server, { path, mode: MODE }, 1),
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    const listening = attempt();
    await watchdog(appearance(path), 'the socket');
    victim.linkTo(path);
    await assert.rejects(watchdog(listening, 'the end of it'), { code: 'EADDRINUSE' }, name);
    victim.check(name);
  }
  assert.equal(server.listening, false);
});

test('neither a link nor a file is made to belong to others, but the socket is', async () => {
  using folder = new Folder();
  const victim = new Victim(folder);
  const path = folder.file('socket');
  const { fd } = await openUnixListener(path, { mode: SECRET_MODE });
  assert.equal(giveSocketFile(path, { mode: MODE }), lstatSync(path, { bigint: true }).ino);
  assert.equal(lstatSync(path).mode & 0o777, MODE);
  victim.linkTo(folder.file('link'));
  linkSync(path, folder.file('another name'));
  for (const name of ['link', 'victim', 'another name', 'nothing'])
    assert.throws(() => giveSocketFile(folder.file(name), { mode: 0o777 }), { code: 'EADDRINUSE' }, name);
  victim.check('by itself');
  assert.equal(lstatSync(path).mode & 0o777, MODE);
  closeDescriptor(fd);
});
