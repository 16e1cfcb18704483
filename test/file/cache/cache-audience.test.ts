import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache, type FileCacheOptions } from '../../../src/file/cache/owned-cache.ts';
import { Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { Onlooker, secret } from '../../support/onlooker.ts';

const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;

/** Directories of files with their own names in them, and children that may read some of these. */
class Fixture {
  readonly folder = new Folder();
  readonly family = new Family();
  readonly cache;

  constructor(options: Partial<FileCacheOptions> = {}) {
    this.cache = createFileCache({ budget: 8 * MiB, maxStale: HOUR_MS, govern: false, ...options });
  }

  write(names: readonly string[], length = 0): void {
    for (const name of names) {
      mkdirSync(this.folder.file(name.slice(0, name.lastIndexOf('/'))), { recursive: true });
      writeFileSync(this.folder.file(name), secret(name, length));
    }
  }

  async onlooker(root?: string): Promise<Onlooker> {
    const child = await Onlooker.start(this.family);
    this.cache.serve(child.channel, root === undefined ? {} : { root: this.folder.file(root) });
    return child;
  }

  /** Reads files of ours. */
  async keep(names: readonly string[]): Promise<void> {
    for (const name of names) (await this.cache.read(this.folder.file(name))).release();
  }

  async ask(child: Onlooker, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const text = await child.read(this.folder.file(name));
      assert.ok(text.startsWith(secret(name).toString()), `${name}: ${text}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.family[Symbol.asyncDispose]();
    this.cache.close();
    this.folder[Symbol.dispose]();
  }
}

const FILES = ['a/1', 'a/2', 'a/in/1', 'b/1', 'b/2', 'none/1', 'none/2'];

test('who is confined to a root can read no memory of files that lie elsewhere', async () => {
  await using fixture = new Fixture();
  fixture.write(FILES);
  // Read before anybody was confined, and so lying together.
  await fixture.keep(FILES);
  const [a, b, inner, all] = [
    await fixture.onlooker('a'),
    await fixture.onlooker('b'),
    await fixture.onlooker('a/in'),
    await fixture.onlooker(),
  ];
  for (let round = 0; round < 2; round++) {
    await fixture.ask(a, ['a/1', 'a/in/1']);
    await fixture.ask(inner, ['a/in/1']);
    await fixture.ask(b, ['b/2']);
    await fixture.ask(all, FILES);
    fixture.write(['a/3', 'b/3', 'none/3']);
    await fixture.keep(['a/3', 'b/3', 'none/3']);
    assert.deepEqual(
      (await a.sees()).filter(name => !name.startsWith('a/')),
      [],
    );
    assert.deepEqual(await inner.sees(), ['a/in/1']);
    assert.deepEqual(
      (await b.sees()).filter(name => !name.startsWith('b/')),
      [],
    );
  }
  assert.equal(await b.read(fixture.folder.file('a/1')), 'EACCES');
});

test('memory that a root has left is not filled with files of another', async () => {
  await using fixture = new Fixture({ budget: 2 * MiB, policy: 'lru' });
  const files = (root: string): string[] => Array.from({ length: 100 }, (_, i) => `${root}/${i}`);
  for (const root of ['a', 'b', 'none']) fixture.write(files(root), 40_000);
  const [a, b] = [await fixture.onlooker('a'), await fixture.onlooker('b')];
  for (let round = 0; round < 2; round++) {
    await fixture.ask(a, files('a'));
    await fixture.keep(files('none'));
    await fixture.ask(b, files('b'));
  }
  assert.ok(fixture.cache.stats().evictions > 100);
  assert.deepEqual(
    (await a.sees()).filter(name => !name.startsWith('a/')),
    [],
  );
  assert.deepEqual(
    (await b.sees()).filter(name => !name.startsWith('b/')),
    [],
  );
});

test('what is not kept is divided too, and so are large files and other pools', async () => {
  for (const options of [{ budget: 0 }, { budget: 4 * MiB }, { budget: 64 * MiB }]) {
    await using fixture = new Fixture(options);
    const files = ['a/1', 'b/1', 'a/2', 'b/2'];
    fixture.write(files, options.budget === 4 * MiB ? 3 * MiB : 100);
    const [a, b] = [await fixture.onlooker('a'), await fixture.onlooker('b')];
    for (const name of files) await fixture.ask(name.startsWith('a') ? a : b, [name]);
    assert.deepEqual(
      (await a.sees()).filter(name => !name.startsWith('a/')),
      [],
    );
    assert.deepEqual(
      (await b.sees()).filter(name => !name.startsWith('b/')),
      [],
    );
  }
});

test('when the link of a root leads elsewhere, what comes to where it led is not seen', async () => {
  await using fixture = new Fixture({ maxStale: 20 });
  fixture.write(['one/1', 'two/1']);
  symlinkSync('one', fixture.folder.file('root'));
  const [link, one] = [await fixture.onlooker('root'), await fixture.onlooker('one')];
  assert.equal(await link.read(fixture.folder.file('root/1')), '<<one/1>>');
  symlinkSync('two', fixture.folder.file('next'));
  renameSync(fixture.folder.file('next'), fixture.folder.file('root'));
  while ((await link.read(fixture.folder.file('root/1'))) !== '<<two/1>>');
  fixture.write(['one/later']);
  await fixture.ask(one, ['one/later']);
  assert.deepEqual(await link.sees(), ['one/1', 'two/1']);
});

test('what is read while a root is served is not copied for who may look there', async () => {
  await using fixture = new Fixture();
  fixture.write(['a/1', 'none/1']);
  const a = await fixture.onlooker('a');
  await fixture.keep(['a/1', 'none/1']);
  const version = (): object | undefined => {
    using snapshot = fixture.cache.peek(fixture.folder.file('a/1'));
    return snapshot?.version;
  };
  const before = version();
  await fixture.ask(a, ['a/1']);
  assert.ok(before !== undefined);
  assert.equal(version(), before);
  assert.deepEqual(await a.sees(), ['a/1']);
});

test('a root that is not there is refused before anything is served', async () => {
  await using fixture = new Fixture();
  fixture.write(['a/1']);
  const child = await Onlooker.start(fixture.family);
  const [root, none] = [fixture.folder.file('a'), fixture.folder.file('none')];
  assert.throws(() => fixture.cache.serve(child.channel, { root: none }), { code: 'ENOENT' });
  assert.throws(() => fixture.cache.serve(child.channel, { root: [root, none] }), { code: 'ENOENT' });
  assert.equal(fixture.cache.stats().attached, 0);
  fixture.cache.serve(child.channel, { root });
  await fixture.ask(child, ['a/1']);
});
