import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { ownFolder, ownName } from '../../../src/ipc/meet/own-folder.ts';
import { isRoot, NOBODY, PublicProgram } from '../../support/public-program.ts';

/** A user that there is only here, so that nobody else makes a folder for it. */
const UID = 1_000_000 + process.pid;
/** Where root has a folder only where it can make none in /run. The program is at $2, node is $1. */
const ELSEWHERE_FOR_ROOT = `mount --bind "$2" /mnt && mount -t tmpfs -o ro none /run &&
  mount -t tmpfs none /tmp && mount -t tmpfs none /dev/shm &&
  mkdir -m 711 /tmp/iolite-0 && chown ${NOBODY.uid} /tmp/iolite-0 &&
  exec "$1" /mnt/bundle/program/main.js`;
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const [FIRST, SECOND] = [`/tmp/iolite-${UID}`, `/dev/shm/iolite-${UID}`];

test('names of ours lie where only we can make them', async () => {
  const path = ownName('test');
  const { uid, mode } = lstatSync(dirname(path));
  assert.equal(uid, process.geteuid?.());
  assert.equal(mode & 0o022, 0);
  assert.equal(ownFolder(), dirname(path));
  assert.notEqual(ownName('test'), path);
  await using endpoint = await listen(path);
  await using channel = await connect(endpoint.path);
  assert.equal(channel.peer.pid, process.pid);
});

/** What lies, or may lie, under the name of the folder of a user who has not come yet. */
function make(path: string, uid: number, mode: number): void {
  mkdirSync(path);
  chmodSync(path, mode);
  chownSync(path, uid, uid);
}

test('what others have made under the name of our folder is not taken for it', {
  skip: isRoot ? false : 'only root can start processes of other users',
}, () => {
  using program = new PublicProgram(new URL('./children/own-folder.ts', import.meta.url));
  const found = (): { folder: string | null; name: string; isOurs: boolean } => {
    const user = { uid: UID, gid: UID, cwd: program.folder };
    const { stdout, stderr } = spawnSync(process.execPath, [program.path], { ...user, encoding: 'utf8' });
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  };
  const elsewhere = join(program.folder, 'elsewhere');
  const clear = (): void => {
    for (const path of [FIRST, SECOND, elsewhere]) rmSync(path, { recursive: true, force: true });
  };
  try {
    assert.deepEqual(found(), { folder: FIRST, name: FIRST, isOurs: true });
    for (const squat of [
      () => make(FIRST, NOBODY.uid, 0o777),
      () => make(FIRST, NOBODY.uid, 0o711),
      () => make(FIRST, UID, 0o777),
      () => {
        // Whoever has made the link can let it lead elsewhere.
        make(elsewhere, UID, 0o711);
        symlinkSync(elsewhere, FIRST);
        lchownSync(FIRST, NOBODY.uid, NOBODY.gid);
      },
    ]) {
      clear();
      squat();
      assert.deepEqual(found(), { folder: SECOND, name: SECOND, isOurs: true }, String(squat));
    }
    clear();
    for (const path of [FIRST, SECOND]) make(path, NOBODY.uid, 0o777);
    const { folder, name, isOurs } = found();
    rmSync(name, { recursive: true, force: true });
    assert.equal(folder, null);
    assert.equal(dirname(name), tmpdir());
    assert.equal(isOurs, true);
  } finally {
    clear();
  }
});

test('nor does root, who may change what is not its own', {
  skip: isRoot && mayMount ? false : 'nothing can be mounted here (unshare(2) needs CAP_SYS_ADMIN)',
}, () => {
  using program = new PublicProgram(new URL('./children/own-folder.ts', import.meta.url));
  const script = ['--mount', 'sh', '-c', ELSEWHERE_FOR_ROOT, 'sh', process.execPath, program.folder];
  const { stdout, stderr } = spawnSync('unshare', script, { encoding: 'utf8' });
  assert.equal(stderr, '');
  const folder = '/dev/shm/iolite-0';
  assert.deepEqual(JSON.parse(stdout), { folder, name: folder, isOurs: true });
});
