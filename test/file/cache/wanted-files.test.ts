import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { type FileGiver, WantedFiles } from '../../../src/file/cache/wanted-files.ts';
import { watchdog } from '../../support/watchdog.ts';

const MiB = 1024 ** 2;

/** An owner of a cache as it is seen by who asks it for files, each of 1 MiB. */
class Giver implements FileGiver {
  readonly asked: string[] = [];
  readonly budget = 10 * MiB;
  bytes = 0;
  evicted = 0;
  #looks = 0;
  #onLook: (() => void) | undefined;

  /** Read once at each look. */
  get left(): number {
    this.#looks += 1;
    this.#onLook?.();
    return this.evicted;
  }

  async ask(path: string): Promise<void> {
    this.asked.push(path);
    this.bytes += MiB;
  }

  async looks(count: number): Promise<void> {
    const last = this.#looks + count;
    const looked = new Promise<void>(resolve => {
      this.#onLook = () => {
        if (this.#looks >= last) resolve();
      };
    });
    await watchdog(looked, `${count} looks`);
  }

  async has(count: number): Promise<void> {
    while (this.asked.length < count) await this.looks(1);
  }
}

test('what came again is asked for at once, what came once when there is time', async () => {
  const giver = new Giver();
  const wanted = new WantedFiles(giver);
  wanted.again('a');
  wanted.once('b');
  wanted.once('b');
  wanted.once('c');
  assert.deepEqual(giver.asked, ['a']);
  await giver.has(3);
  assert.deepEqual(giver.asked, ['a', 'b', 'c']);
  wanted.close();
});

test('a domain that always computes asks as well, some looks later', async () => {
  const giver = new Giver();
  const wanted = new WantedFiles(giver);
  let busy = true;
  const compute = (): void => {
    if (!busy) return;
    const end = performance.now() + 20;
    while (performance.now() < end);
    setImmediate(compute);
  };
  compute();
  wanted.once('a');
  await giver.looks(2);
  assert.deepEqual(giver.asked, []);
  await giver.has(1);
  busy = false;
  wanted.close();
});

test('nothing that came once is asked for where it would take the place of something else', async () => {
  const giver = new Giver();
  giver.bytes = giver.budget - 2 * MiB;
  const wanted = new WantedFiles(giver);
  for (const path of ['a', 'b', 'c']) wanted.once(path);
  await giver.looks(3);
  assert.deepEqual(giver.asked, ['a']);
  wanted.once('d');
  wanted.again('e');
  await giver.looks(3);
  assert.deepEqual(giver.asked, ['a', 'e']);
  wanted.close();
});

test('nor where the owner has evicted something for it', async () => {
  const giver = new Giver();
  const wanted = new WantedFiles(giver);
  wanted.once('a');
  await giver.has(1);
  giver.evicted += 1;
  wanted.once('b');
  await giver.looks(3);
  assert.deepEqual(giver.asked, ['a']);
  wanted.close();
});

test('files are asked for some at a time', async () => {
  const giver = new Giver();
  const gate = new EventEmitter();
  const opened = once(gate, 'open');
  giver.ask = async path => {
    giver.asked.push(path);
    await opened;
  };
  const wanted = new WantedFiles(giver);
  for (let i = 0; i < 200; i++) wanted.once(`${i}`);
  await giver.looks(5);
  assert.equal(giver.asked.length, 64);
  gate.emit('open');
  await giver.has(200);
  wanted.close();
});
