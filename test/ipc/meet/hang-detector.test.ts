import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Channel } from '../../../src/ipc/channel.ts';
import { HangDetector } from '../../../src/ipc/meet/hang-detector.ts';
import { ChannelPair } from '../../support/channel-pair.ts';

const LIMIT = 1000;

/** A process that is watched: answers when it is told to. */
class Watched implements Disposable {
  readonly pair = new ChannelPair();
  asked = 0;
  alarms = 0;
  isStuck = false;
  /** Intervals that have begun, and what they do. */
  readonly #intervals = new Map<object, () => void>();

  constructor(context: TestContext) {
    context.mock.method(globalThis, 'setInterval', (look: () => void, span: number) => {
      assert.equal(span, LIMIT / 2);
      const timer = { unref: () => timer };
      this.#intervals.set(timer, look);
      return timer;
    });
    context.mock.method(globalThis, 'clearInterval', (timer: object) => this.#intervals.delete(timer));
    this.pair.far.onRequest(() => {
      this.asked += 1;
      return this.isStuck ? new Promise(() => {}) : {};
    });
    new HangDetector(this.pair.near, LIMIT, () => {
      this.alarms += 1;
    });
  }

  get channel(): Channel {
    return this.pair.near;
  }

  /** Half of the limit passes, and then what comes of it. */
  async passHalf(): Promise<void> {
    for (const look of [...this.#intervals.values()]) look();
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }

  [Symbol.dispose](): void {
    this.pair[Symbol.dispose]();
  }
}

test('a process that answers is asked again and again, and never taken for stuck', async context => {
  using watched = new Watched(context);
  for (let i = 0; i < 10; i++) await watched.passHalf();
  assert.equal(watched.alarms, 0);
  assert.ok(watched.asked >= 5, `${watched.asked} times`);
});

test('a process that twice does not answer is stuck, which is told once', async context => {
  using watched = new Watched(context);
  await watched.passHalf();
  watched.isStuck = true;
  await watched.passHalf();
  await watched.passHalf();
  assert.equal(watched.alarms, 0);
  await watched.passHalf();
  assert.equal(watched.alarms, 1);
  for (let i = 0; i < 5; i++) await watched.passHalf();
  assert.equal(watched.alarms, 1);
});

test('nobody is stuck whose channel is closed', async context => {
  using watched = new Watched(context);
  watched.isStuck = true;
  await watched.passHalf();
  watched.channel.destroy();
  for (let i = 0; i < 5; i++) await watched.passHalf();
  assert.equal(watched.alarms, 0);
});
