import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BodyKind, decodeAnswer, encodeRequest } from '../../../../src/http/app/app-protocol.ts';
import type { ServerRequest } from '../../../../src/http/message/exchange.ts';
import type { Channel } from '../../../../src/ipc/channel.ts';
import { connect } from '../../../../src/ipc/meet/connect.ts';
import type { Forked } from '../../../../src/ipc/meet/fork.ts';
import { ended, Family } from '../../../support/family.ts';
import { watchdog } from '../../../support/watchdog.ts';

const PROCESS = new URL('../../../../src/http/app/app-side/app-process.ts', import.meta.url);
const APPLICATION = fileURLToPath(new URL('../children/application.ts', import.meta.url));

/** An application process that serves, and where. */
async function serving(family: Family): Promise<Forked & { readonly address: string }> {
  const { channel, process } = await family.fork(PROCESS, [APPLICATION]);
  const told = new Promise<string>(resolve =>
    channel.onRequest(({ head }) => {
      const { type, address } = head as { type: string; address: string };
      assert.equal(type, 'serving');
      resolve(address);
      return {};
    }),
  );
  return { channel, process, address: await watchdog(told, 'the address') };
}

async function ask(channel: Channel, target: string): Promise<string> {
  const request = { method: 'GET', target, secure: false, rawHeaders: [] } as unknown as ServerRequest;
  const { head, body } = await watchdog(
    channel.request({ head: encodeRequest(request, BodyKind.NONE) }),
    `an answer to ${target}`,
  );
  using taken = body;
  return `${decodeAnswer(head).status} ${taken?.toString() ?? ''}`;
}

test('an application process says where it listens, and answers all who connect', async () => {
  await using family = new Family();
  const { process, address } = await serving(family);
  for (let i = 0; i < 2; i++) {
    await using channel = await connect(address);
    assert.equal(await ask(channel, '/hello'), '200 hello');
    assert.equal(await ask(channel, '/pid'), `200 ${process.pid}`);
    assert.equal(await ask(channel, '/none'), '404 ');
  }
});

for (const [how, end] of [
  ['is told to', ({ process }: Forked) => process.kill('SIGTERM')],
  ['has no parent any more', ({ channel }: Forked) => channel.destroy()],
] as const) {
  test(`an application process that ${how} asks for no more requests and ends with the last`, async () => {
    await using family = new Family();
    const forked = await serving(family);
    const channel = await connect(forked.address);
    // It has taken up the channel when it answers.
    assert.equal(await ask(channel, '/hello'), '200 hello');
    const drained = (async () => {
      for await (const { head } of channel) if (head === 'drain') return;
    })();
    end(forked);
    await watchdog(drained, 'the word that it ends');
    // What was on its way is answered still.
    assert.equal(await ask(channel, '/hello'), '200 hello');
    await channel.close();
    assert.deepEqual(await ended(forked.process), { code: 0, signal: null });
    await assert.rejects(connect(forked.address), { code: 'ENOENT' });
  });
}
