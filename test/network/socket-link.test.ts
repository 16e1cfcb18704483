import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type ByteLinkHost, SEND_STEP_BYTES } from '../../src/network/byte-link.ts';
import { SocketLink } from '../../src/network/socket-link.ts';
import { tcpPair } from '../support/tcp-pair.ts';
import { watchdog } from '../support/watchdog.ts';

/** A host that keeps what it is told. */
class Host implements ByteLinkHost {
  readonly told: string[] = [];
  readsOn = true;
  #wake = (): void => {};

  received(bytes: Buffer): boolean {
    this.#tell(bytes.toString());
    return this.readsOn;
  }

  ended(): void {
    this.#tell('ended');
  }

  drained(): void {
    this.#tell('drained');
  }

  lost(): void {
    this.#tell('lost');
  }

  async until(what: string): Promise<void> {
    while (!this.told.includes(what)) {
      const next = new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      await watchdog(next, what);
    }
  }

  #tell(what: string): void {
    this.told.push(what);
    this.#wake();
  }
}

test('SocketLink carries bytes both ways, and tells when all is sent', async context => {
  const [near, far] = await tcpPair(context);
  const link = new SocketLink(near);
  const host = new Host();
  link.open(host);
  far.write('hello');
  await host.until('hello');
  while (link.send([Buffer.alloc(SEND_STEP_BYTES)])) {}
  assert.ok(link.hasUnsent);
  far.resume();
  await host.until('drained');
  assert.ok(!link.hasUnsent);
  far.end();
  await host.until('ended');
  link.end();
  await host.until('lost');
  assert.equal(link.send([Buffer.from('late')]), false);
});

test('SocketLink reads no more when its host does not want to, until it is resumed', async context => {
  const [near, far] = await tcpPair(context);
  const link = new SocketLink(near);
  const host = new Host();
  host.readsOn = false;
  link.open(host);
  far.write('one');
  await host.until('one');
  assert.ok(near.isPaused());
  link.resume();
  far.write('two');
  await host.until('two');
  link.close();
  far.resume();
  await watchdog(once(far, 'end'), 'the end of the other side');
  assert.ok(!host.told.includes('lost'));
});
