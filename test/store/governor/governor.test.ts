import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Governed, Governor, ownGovernor } from '../../../src/store/governor/governor.ts';

const MiB = 1024 ** 2;

/** Memory, something else that uses it, and a cache that takes what it may have. In MiB. */
class Scene {
  limit = 256;
  /** Used by others. */
  others = 60;
  strains = 0;
  stalled = 0;
  readings = 0;
  readonly said: string[] = [];
  readonly cache: Governed & { footprint: number; allowance: number; confinements: number };
  readonly governor: Governor;
  readonly #context: TestContext;

  constructor(context: TestContext, budget = 1024) {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    // The clock that tells for how long memory was not short.
    context.mock.method(performance, 'now', () => this.#time);
    this.#context = context;
    this.cache = {
      budget: budget * MiB,
      allowance: budget * MiB,
      footprint: 0,
      leastAllowance: 4 * MiB,
      confinements: 0,
      confine(bytes) {
        this.confinements += 1;
        this.allowance = bytes;
        this.footprint = Math.min(this.footprint, bytes);
      },
    };
    const read = () => {
      this.readings += 1;
      const used = this.others * MiB + this.cache.footprint;
      return { limit: this.limit * MiB, used, reclaimable: 0, strains: this.strains, stalled: this.stalled };
    };
    this.governor = new Governor({ gauge: { read }, complain: message => this.said.push(message) });
    this.governor.add(this.cache);
  }

  #time = 1000;

  /** Time passes, in milliseconds. */
  pass(time: number): void {
    for (let i = 0; i < time; i += 10) {
      this.#time += 10;
      this.#context.mock.timers.tick(10);
    }
  }

  /** Fills the cache with so much, as far as it may. */
  fill(mib: number): void {
    for (let i = 0; i < mib; i++) {
      this.governor.before(MiB);
      this.cache.footprint = Math.min(this.cache.allowance, this.cache.footprint + MiB);
    }
  }

  get allowance(): number {
    return this.cache.allowance / MiB;
  }

  get used(): number {
    return this.others + this.cache.footprint / MiB;
  }
}

test('a cache whose budget is more than there is fills what there is but for a reserve', context => {
  const scene = new Scene(context);
  scene.fill(1000);
  assert.equal(scene.used, 256 - 32);
  assert.deepEqual(scene.said, [
    'The budget of 1024 MiB cannot be met: there are 256 MiB of memory. What is cached stays below that',
  ]);
});

test('a cache whose budget fits may have it, and nobody is told anything', context => {
  const scene = new Scene(context, 64);
  scene.fill(100);
  scene.pass(10_000);
  assert.deepEqual([scene.allowance, scene.said, scene.cache.confinements], [64, [], 0]);
});

test('memory is read before it can be filled up in between', context => {
  const scene = new Scene(context);
  const before = scene.readings;
  scene.fill(100);
  assert.ok(scene.readings > before);
  scene.fill(100);
  assert.ok(scene.used <= 256);
});

test('a cache makes room for others, and has it back when they are done', context => {
  const scene = new Scene(context);
  scene.fill(1000);
  scene.others = 150;
  scene.pass(100);
  assert.equal(scene.used, 256 - 32);
  scene.others = 60;
  // Not at once: it may be wanted again.
  scene.pass(1000);
  assert.equal(scene.allowance, 74);
  scene.pass(5000);
  scene.fill(1000);
  assert.equal(scene.used, 256 - 32);
});

test('a limit that is lowered is followed, and so is one that is raised', context => {
  const scene = new Scene(context);
  scene.fill(1000);
  scene.limit = 160;
  scene.pass(1000);
  assert.equal(scene.used, 160 - 20);
  scene.limit = 512;
  scene.pass(5000);
  scene.fill(1000);
  assert.equal(scene.used, 512 - 64);
});

test('it looks more often as the limit comes near', context => {
  const scene = new Scene(context);
  const readings = (): number => {
    const before = scene.readings;
    scene.pass(2000);
    return scene.readings - before;
  };
  const far = readings();
  scene.fill(1000);
  assert.equal(far, 2);
  assert.ok(readings() > 20);
});

test('when others have all of it, a cache is left with the least, and it is said once', context => {
  const scene = new Scene(context);
  scene.fill(100);
  scene.others = 250;
  scene.pass(5000);
  assert.equal(scene.allowance, 4);
  const short = scene.said.filter(message => message.startsWith('Memory is short'));
  assert.deepEqual(short, ['Memory is short: 254 MiB of 256 MiB are used, and caches are at their least']);
});

test('who waits for memory near the limit is helped', context => {
  const scene = new Scene(context);
  scene.fill(1000);
  const before = scene.allowance;
  scene.stalled += 1_000_000;
  scene.pass(100);
  assert.ok(scene.allowance < before);
});

test('a cache does not grow while others come upon the limit', context => {
  const scene = new Scene(context);
  scene.fill(1000);
  scene.others = 150;
  scene.pass(100);
  scene.others = 140;
  for (let i = 0; i < 100; i++) {
    scene.strains += 1;
    scene.pass(50);
  }
  assert.equal(scene.allowance, 74);
  scene.pass(5000);
  scene.others = 60;
  scene.pass(5000);
  assert.ok(scene.allowance > 74);
});

test('several share what there is', context => {
  const scene = new Scene(context);
  const other = { ...scene.cache, footprint: 0, allowance: 1024 * MiB, confine: scene.cache.confine };
  scene.governor.add(other);
  assert.ok(other.allowance < 256 * MiB);
  scene.governor.remove(other);
});

test('who reads beside the budget waits while memory is short, in turn, and not for ever', async context => {
  const scene = new Scene(context);
  assert.equal(scene.governor.memoryFor(16 * MiB), undefined);
  scene.fill(1000);
  // 32 are kept free of caches, and half of that of others.
  assert.equal(scene.governor.memoryFor(8 * MiB), undefined);
  const went: string[] = [];
  const wait = (name: string, mib: number): void => {
    const waits = scene.governor.memoryFor(mib * MiB);
    assert.ok(waits !== undefined);
    void waits.then(() => went.push(name));
  };
  wait('large', 20);
  wait('small', 1);
  scene.pass(50);
  await Promise.resolve();
  assert.deepEqual(went, []);
  scene.others -= 10;
  scene.pass(50);
  await Promise.resolve();
  assert.deepEqual(went, ['large', 'small']);
  scene.others = 200;
  scene.pass(100);
  wait('too large', 500);
  scene.pass(900);
  await Promise.resolve();
  assert.equal(went.length, 2);
  scene.pass(200);
  await Promise.resolve();
  assert.equal(went.length, 3);
  wait('last', 500);
  scene.governor.remove(scene.cache);
  await Promise.resolve();
  assert.equal(went.length, 4);
});

test('one content takes no more than a part of the limit', context => {
  const scene = new Scene(context);
  assert.equal(scene.governor.pieceBytes, 8 * MiB);
});

test('it stops when there is no cache any more', context => {
  const scene = new Scene(context);
  assert.equal(scene.governor.running, true);
  scene.governor.remove(scene.cache);
  assert.equal(scene.governor.running, false);
  const before = scene.readings;
  scene.pass(5000);
  assert.equal(scene.readings, before);
  scene.governor.add(scene.cache);
  assert.equal(scene.governor.running, true);
});

test('without a limit that is known, budgets are what counts', context => {
  const scene = new Scene(context);
  scene.limit = Number.POSITIVE_INFINITY;
  scene.pass(5000);
  scene.fill(2000);
  assert.equal(scene.allowance, 1024);
});

test('there is one for all caches', () => {
  assert.equal(ownGovernor(), ownGovernor());
  assert.equal(ownGovernor().running, false);
});
