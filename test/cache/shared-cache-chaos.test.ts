import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Member, Members } from './support/members.ts';

const KEYS = 4;
/** More of them on request: each kill starts a process. */
const STEPS = Number(process.env.IOLITE_STEPS ?? 25);

/** A sequence of numbers, the same for the same seed. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const busy = new Map<Member, Promise<unknown>>();

/** Has a member do something, when it has done what it was told before. */
function told(member: Member, act: string, ...given: unknown[]): Promise<unknown> {
  const done = Promise.resolve(busy.get(member)).then(() => member.do(act, ...given));
  busy.set(
    member,
    done.catch(() => {}),
  );
  return done;
}

/** A value that says of what version it is, and whether it is whole. */
function makeValue(key: string, version: number): { bytes: string } {
  const text = `${key} ${version} ${'x'.repeat((version * 7919) % 90_000)}`;
  return { bytes: `${createHash('md5').update(text).digest('hex')} ${text}` };
}

/** @throws where a value is none that was ever set */
function versionOf(key: string, value: unknown): number {
  if (value === null) return 0;
  const { bytes } = value as { bytes: string };
  const [sum, its, version] = bytes.split(' ', 3);
  assert.equal(createHash('md5').update(bytes.slice(33)).digest('hex'), sum, 'wrong bytes');
  assert.equal(its, key, 'the value of another key');
  return Number(version);
}

/** What may be found under a key: nothing older than what was set last, as far as that is known. */
class Key {
  readonly name: string;
  /** The last version that was begun, and the last that is known to be over for all. */
  begun = 0;
  set = 0;

  constructor(name: string) {
    this.name = name;
  }

  async write(member: Member): Promise<void> {
    this.begun += 1;
    const version = this.begun;
    try {
      await told(member, 'set', this.name, makeValue(this.name, version));
      this.set = Math.max(this.set, version);
    } catch {
      // It is not known what became of it, if its process is gone or its owner was.
    }
  }

  async read(member: Member): Promise<void> {
    const least = this.set;
    let value: unknown;
    try {
      value = await told(member, 'get', this.name);
    } catch {
      return;
    }
    const version = versionOf(this.name, value);
    assert.ok(value === null || version >= least, `version ${version} after ${least} was set`);
    assert.ok(version <= this.begun, `version ${version} of ${this.begun}`);
  }
}

describe('a cache whose members are killed and stopped at random', () => {
  test('finds nothing wrong, and nothing older than what was set', async context => {
    const seed = Number(process.env.IOLITE_SEED ?? randomInt(2 ** 31));
    context.diagnostic(`seed ${seed}`);
    const below = sequence(seed);
    await using members = new Members({ maxStale: 500 });
    const all = await Promise.all(Array.from({ length: 4 }, () => members.start()));
    const keys = Array.from({ length: KEYS }, (_, index) => new Key(`${index}`));
    const stopped = new Set<Member>();
    const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
    /** Of a key one at a time, so that it is known which is the last. */
    const writing = new Map<Key, Promise<void>>();
    const reading: Promise<void>[] = [];
    for (let step = 0; step < STEPS; step++) {
      const member = pick(all);
      const what = below(100);
      if (what < 3) {
        // Who is told something when it is gone does not hear it.
        member.process.stdin?.on('error', () => {});
        member.kill('SIGKILL');
        stopped.delete(member);
        // Who is to be attached waits for an owner that is stopped.
        for (const each of stopped) each.kill('SIGCONT');
        stopped.clear();
        all[all.indexOf(member)] = await members.start();
      } else if (what < 8 && stopped.size < 2) {
        member.kill('SIGSTOP');
        stopped.add(member);
      } else if (what < 20) {
        for (const each of stopped) each.kill('SIGCONT');
        stopped.clear();
      } else if (what < 55) {
        const key = pick(keys);
        if (stopped.size === 0) await writing.get(key);
        if (!stopped.has(member) && !writing.has(key)) {
          const done = key.write(member).finally(() => writing.delete(key));
          writing.set(key, done);
        }
      } else {
        reading.push(pick(keys).read(member));
      }
      // So that they are begun while others are on their way.
      if (stopped.size === 0 && below(4) === 0) await Promise.all(reading.splice(0));
      // What is on its way arrives meanwhile, or does not.
      for (let turn = below(40); turn > 0; turn--) await setImmediate();
      if (stopped.size > 0 && below(8) === 0) {
        for (const each of stopped) each.kill('SIGCONT');
        stopped.clear();
      }
    }
    for (const each of stopped) each.kill('SIGCONT');
    await Promise.all([...writing.values(), ...reading]);
    const member = all[0] as Member;
    for (const key of keys) {
      await key.write(member);
      assert.equal(key.set, key.begun, 'what is set when all is quiet is known');
      for (const each of all) await key.read(each);
    }
    const { making } = (await told(member, 'totals')) as { making: number };
    assert.equal(making, 0);
  });
});
