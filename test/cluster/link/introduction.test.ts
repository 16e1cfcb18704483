import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import type { Link } from '../../../src/cluster/link/link.ts';
import type { LinkEndpoint } from '../../../src/cluster/link/link-endpoint.ts';
import { readLinkGreeting, writeLinkGreeting } from '../../../src/cluster/link/link-greeting.ts';
import { FrameReader, FrameType, FrameWriter } from '../../../src/ipc/wire/frame.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Machines } from '../support/machines.ts';
import { withNats } from '../support/nats-server.ts';
import { Eavesdropper, inboxOf, type Overheard, typesIn } from './support/eavesdropper.ts';

const SECRET = 'what all machines know';
const subjectOf = (name: string): string => `iolite.shop.link.${name}`;
const isHello = (message: Overheard): boolean => typesIn(message).includes(FrameType.HELLO);
/** Whether a machine greets: as it is named there, which its confirmations are not. */
const isHelloOf = (machine: string) => (message: Overheard) =>
  isHello(message) && textOf(message).includes(`"machine":"${machine}"`);
const isCut = (message: Overheard): boolean => typesIn(message).includes(FrameType.CUT);

describe('the introduction of a link', withNats, () => {
  let machines: Machines;
  before(async () => {
    machines = await Machines.start(['a', 'b', 'guesses', 'open'], [], [SECRET, SECRET, `${SECRET}?`]);
  });
  after(() => machines[Symbol.asyncDispose]());
  const cluster = (nth: number) => machines.clusters[nth] as (typeof machines.clusters)[0];

  /** A link from a to b, and all that was said until it was open. */
  async function overheard(name: string, eavesdropper: Eavesdropper) {
    const { near, far } = await machines.link(name);
    const ask = await eavesdropper.hears('a question', isHelloOf('a'));
    const answer = await eavesdropper.hears('an answer', isHelloOf('b'));
    const confirmation = await eavesdropper.hears(
      'a confirmation',
      message => isHello(message) && message.subject === `${inboxOf(answer)}.m`,
    );
    await Promise.all([near.close(), far.close()]);
    return { ask, answer, confirmation };
  }

  /** What comes of a message at an endpoint of b. */
  async function refusal(endpoint: LinkEndpoint, attack: () => void): Promise<string> {
    const channels: Link[] = [];
    endpoint.on('channel', link => channels.push(link));
    const refused = once(endpoint, 'refused');
    attack();
    const [error] = await watchdog(refused, 'a refusal');
    assert.deepEqual(channels, []);
    return error.code;
  }

  test('lets those pass who know the secret, whatever their clocks say', async t => {
    let hours = 0;
    const { now } = Date;
    t.mock.method(Date, 'now', () => now() + 3_600_000 * (hours++ % 3));
    const { near, far } = await machines.link('known');
    assert.equal(near.peer?.machine, 'b');
    assert.equal(far.peer?.machine, 'a');
    far.onRequest(({ head }) => ({ head: head ?? null }));
    assert.deepEqual(await near.request({ head: 'signed' }), { head: 'signed' });
    await Promise.all([near.close(), far.close()]);
  });

  for (const [who, asks, listens] of [
    ['who asks with another secret', 2, 1],
    ['who asks without one', 3, 1],
    ['who answers with another secret', 1, 2],
    ['who answers without one', 1, 3],
  ] as const) {
    test(`refuses ${who}, and tells both`, async () => {
      const name = `stranger-${asks}-${listens}`;
      await using endpoint = await cluster(listens).listen(name);
      const near = cluster(asks).connect(name);
      const [code] = await Promise.all([
        refusal(endpoint, () => {}),
        assert.rejects(watchdog(near.ready(), 'a refusal'), { code: 'ERR_IOLITE_ACCESS' }),
      ]);
      assert.equal(code, 'ERR_IOLITE_ACCESS');
      assert.ok(near.closed);
      assert.equal(endpoint.links, 0);
    });
  }

  test('refuses a name that was put into a greeting that somebody else has signed', async () => {
    await using eavesdropper = await Eavesdropper.start(machines.server.url);
    const { ask } = await overheard('forged', eavesdropper);
    await using endpoint = await cluster(1).listen('forged-too');
    const forged = new FrameWriter();
    new FrameReader().push(Buffer.from(ask.data), frame =>
      writeLinkGreeting(forged, { ...readLinkGreeting(frame), machine: 'b' }),
    );
    const subject = subjectOf('forged-too');
    for (const data of [forged.take(), ask.data]) {
      const reply = '_INBOX.thief.ask';
      assert.equal(
        await refusal(endpoint, () => eavesdropper.say({ subject, reply, data })),
        'ERR_IOLITE_ACCESS',
      );
      assert.ok(await eavesdropper.hears('to be told', m => m.subject === '_INBOX.thief.m' && isCut(m)));
    }
  });

  test('refuses a question from another inbox, and at another endpoint', async () => {
    await using eavesdropper = await Eavesdropper.start(machines.server.url);
    const { ask } = await overheard('moved', eavesdropper);
    await using elsewhere = await cluster(1).listen('elsewhere');
    const moved = { ...ask, subject: subjectOf('elsewhere') };
    assert.equal(await refusal(elsewhere, () => eavesdropper.say(moved)), 'ERR_IOLITE_ACCESS');
  });

  test('refuses an asker who says again what was said before', async () => {
    await using eavesdropper = await Eavesdropper.start(machines.server.url);
    const { ask, confirmation } = await overheard('again', eavesdropper);
    await using endpoint = await cluster(0).listen('again-not');
    assert.equal(endpoint.links, 0);
    const before = eavesdropper.heard.length;
    // The endpoint of b listens yet, and is asked in the same words.
    eavesdropper.say(ask);
    const answer = await eavesdropper.hears('an answer', isHelloOf('b'), before);
    eavesdropper.say({ ...confirmation, subject: `${inboxOf(answer)}.m` });
    const cut = await eavesdropper.hears('to be told', isCut, before);
    assert.match(textOf(cut), /ERR_IOLITE_ACCESS/);
  });

  test('takes nothing of an asker before it has confirmed', async () => {
    await using eavesdropper = await Eavesdropper.start(machines.server.url);
    const { ask } = await overheard('early', eavesdropper);
    const before = eavesdropper.heard.length;
    eavesdropper.say(ask);
    const answer = await eavesdropper.hears('an answer', isHelloOf('b'), before);
    const writer = new FrameWriter();
    const { buffer, at } = writer.frame(FrameType.MESSAGE, 0, 24);
    buffer.fill(0, at, at + 24);
    const inbox = `${inboxOf(answer)}.m`;
    // Neither silence nor a message is a proof.
    eavesdropper.say({ subject: inbox, reply: `${inboxOf(ask)}.0`, data: new Uint8Array(0) });
    eavesdropper.say({ subject: inbox, reply: `${inboxOf(ask)}.1`, data: writer.take() });
    const cut = await eavesdropper.hears('to be told', isCut, before);
    assert.match(textOf(cut), /ERR_IOLITE_PROTOCOL/);
  });

  test('refuses an answer that another question was given', async () => {
    await using eavesdropper = await Eavesdropper.start(machines.server.url);
    const { answer } = await overheard('answered', eavesdropper);
    const before = eavesdropper.heard.length;
    const near = cluster(0).connect('nobody-honest');
    // Somebody has to listen there, or NATS says that nobody does.
    const ready = assert.rejects(watchdog(near.ready(), 'a refusal'), { code: 'ERR_IOLITE_ACCESS' });
    const asked = await eavesdropper.hears('a question', isHelloOf('a'), before);
    eavesdropper.say({ ...answer, subject: `${inboxOf(asked)}.m` });
    await ready;
    assert.equal(near.peer, undefined);
  });
});

function textOf({ data }: Overheard): string {
  return Buffer.from(data).toString('latin1');
}
