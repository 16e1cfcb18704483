import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { Primary } from '../../../src/cli/serve/primary.ts';
import { Shutdown } from '../../../src/cli/serve/shutdown.ts';

/** A shutdown of a primary that closes when it is told to, at a time that the test says. */
class Fixture {
  readonly closings: boolean[] = [];
  readonly listener = openSync('/dev/null', 'r');
  readonly shutdown: Shutdown;
  finish: () => void = () => {};
  now = 1000;

  leavings = 0;

  /** @param delay milliseconds between the first signal and the end */
  constructor(context: TestContext, delay = 0) {
    context.mock.method(performance, 'now', () => this.now);
    const closed = new Promise<void>(resolve => {
      this.finish = resolve;
    });
    const close = ({ force = false } = {}): Promise<void> => {
      this.closings.push(force);
      return closed;
    };
    const leave = (): void => {
      this.leavings += 1;
    };
    this.shutdown = new Shutdown(
      { close, leave } as unknown as Primary,
      { close: () => closeSync(this.listener) },
      () => delay,
    );
  }

  get isListening(): boolean {
    try {
      fstatSync(this.listener);
      return true;
    } catch {
      return false;
    }
  }
}

test('the first signal closes the port, and lets responses finish', async context => {
  const fixture = new Fixture(context);
  assert.equal(fixture.isListening, true);
  fixture.shutdown.signalled(143);
  assert.equal(fixture.isListening, false);
  assert.deepEqual(fixture.closings, [false]);
  fixture.finish();
  assert.equal(await fixture.shutdown.code, 0);
});

test('the same signal by two ways is one; another one ends all at once, with its code', async context => {
  const fixture = new Fixture(context);
  fixture.shutdown.signalled(130);
  fixture.now += 99;
  fixture.shutdown.signalled(130);
  assert.deepEqual(fixture.closings, [false]);
  fixture.now += 1;
  fixture.shutdown.signalled(143);
  assert.deepEqual(fixture.closings, [false, true]);
  fixture.finish();
  assert.equal(await fixture.shutdown.code, 143);
});

test('connections are accepted for a while after a signal; a second one ends all at once', async context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const fixture = new Fixture(context, 5000);
  fixture.shutdown.signalled(143);
  assert.deepEqual([fixture.isListening, fixture.leavings, fixture.closings], [true, 1, []]);
  context.mock.timers.tick(4999);
  assert.equal(fixture.isListening, true);
  context.mock.timers.tick(1);
  assert.deepEqual([fixture.isListening, fixture.closings], [false, [false]]);
  fixture.finish();
  assert.equal(await fixture.shutdown.code, 0);
  const other = new Fixture(context, 5000);
  other.shutdown.signalled(143);
  other.now += 100;
  other.shutdown.signalled(143);
  assert.deepEqual([other.isListening, other.closings], [false, [false, true]]);
  context.mock.timers.tick(5000);
  assert.deepEqual(other.closings, [false, true]);
  other.finish();
  assert.equal(await other.shutdown.code, 143);
});

test('it may begin without a signal, with a code', async context => {
  const fixture = new Fixture(context);
  fixture.shutdown.begin(1);
  assert.throws(() => closeSync(fixture.listener), { code: 'EBADF' });
  fixture.finish();
  assert.equal(await fixture.shutdown.code, 1);
});
