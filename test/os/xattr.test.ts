import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { libc } from '../../src/os/libc.ts';
import { copyAttributes } from '../../src/os/xattr.ts';
import { Folder } from '../support/folder.ts';

function setAttribute(fd: number, name: string, value: string): boolean {
  const bytes = Buffer.from(value);
  return libc().fsetxattr(fd, name, bytes, bytes.length, 0) === 0;
}

/** Undefined where there is none of that name. */
function attribute(fd: number, name: string): string | undefined {
  const room = Buffer.alloc(100_000);
  const length = libc().fgetxattr(fd, name, room, room.length);
  return length < 0 ? undefined : room.toString('utf8', 0, length);
}

test("copyAttributes() gives a file another's attributes of users, and none that vouch for content", t => {
  using folder = new Folder();
  const [from, to] = [openSync(folder.file('from'), 'w+'), openSync(folder.file('to'), 'w+')];
  try {
    copyAttributes(from, to);
    if (!setAttribute(from, 'user.plain', 'a value')) {
      return t.skip('the file system of the temporary folder has no attributes of users');
    }
    setAttribute(from, 'user.empty', '');
    setAttribute(from, 'user.ünicode', 'é');
    setAttribute(to, 'user.plain', 'the one before');
    setAttribute(to, 'user.own', 'stays');
    // For root alone, and left off.
    setAttribute(from, 'trusted.signature', 'of the old content');
    copyAttributes(from, to);
    assert.equal(attribute(to, 'user.plain'), 'a value');
    assert.equal(attribute(to, 'user.empty'), '');
    assert.equal(attribute(to, 'user.ünicode'), 'é');
    assert.equal(attribute(to, 'user.own'), 'stays');
    assert.equal(attribute(to, 'trusted.signature'), undefined);
  } finally {
    closeSync(from);
    closeSync(to);
  }
});
