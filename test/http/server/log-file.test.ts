import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { LogFile } from '../../../src/http/server/log-file.ts';
import type { LogObserver } from '../../../src/http/server/log-output.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

/** Keeps what became of lines, and lets one wait for it. */
class Observer implements LogObserver {
  readonly heard: string[] = [];
  #wake = (): void => {};

  written(): void {
    this.#hear('written');
  }

  failed(entries: number, error: Error): void {
    this.#hear(`${entries} lost: ${(error as NodeJS.ErrnoException).code ?? error.message}`);
  }

  async until(count: number): Promise<void> {
    const come = async (): Promise<void> => {
      while (this.heard.length < count) {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    };
    await watchdog(come(), `${count} outcomes`);
  }

  #hear(what: string): void {
    this.heard.push(what);
    this.#wake();
  }
}

test('what fails is counted, and tried again with what comes next', async () => {
  using folder = new Folder();
  const observer = new Observer();
  const path = folder.file('logs/access.log');
  const log = new LogFile(path, observer);
  await observer.until(1);
  log.write('a\nb\n', 2);
  await observer.until(2);
  mkdirSync(folder.file('logs'));
  log.write('c\n', 1);
  await observer.until(3);
  assert.deepEqual(observer.heard, ['0 lost: ENOENT', '2 lost: ENOENT', 'written']);
  await log.close();
  assert.equal(readFileSync(path, 'utf8'), 'c\n');
  assert.equal(log.waiting, 0);
});

test('a disk that is full loses lines until there is room again', async () => {
  using folder = new Folder();
  const observer = new Observer();
  symlinkSync('/dev/full', folder.file('access.log'));
  const log = new LogFile(folder.file('access.log'), observer);
  log.write('a\nb\n', 2);
  await observer.until(1);
  rmSync(folder.file('access.log'));
  log.reopen();
  log.write('c\n', 1);
  await observer.until(2);
  await log.close();
  assert.deepEqual(observer.heard, ['2 lost: ENOSPC', 'written']);
  assert.equal(readFileSync(folder.file('access.log'), 'utf8'), 'c\n');
});

test('a file that cannot be opened anew loses nothing: the one before gets the lines', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('logs'));
  const observer = new Observer();
  const log = new LogFile(folder.file('logs/access.log'), observer);
  log.write('a\n', 1);
  await observer.until(1);
  renameSync(folder.file('logs'), folder.file('moved'));
  log.reopen();
  log.write('b\n', 1);
  await observer.until(3);
  assert.match(observer.heard[1] ?? '', /^0 lost: ENOENT.*lines go to the file that was open before$/);
  mkdirSync(folder.file('logs'));
  log.write('c\n', 1);
  await log.close();
  assert.equal(readFileSync(folder.file('moved/access.log'), 'utf8'), 'a\nb\n');
  assert.equal(readFileSync(folder.file('logs/access.log'), 'utf8'), 'c\n');
  assert.equal(observer.heard.at(-1), 'written');
});
