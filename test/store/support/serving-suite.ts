import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../../../src/ipc/channel.ts';
import type { RequestHandler } from '../../../src/ipc/responder.ts';
import { StoreIndex } from '../../../src/store/attached/store-index.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { collectGarbage } from '../../support/garbage.ts';
import { watchdog } from '../../support/watchdog.ts';

/** Something that serves a store, and has one content in it. */
export interface ServingCase {
  /** Of the store, in requests. */
  readonly name: string;
  /** What the content is under, and its text. */
  readonly key: string;
  readonly text: string;
  /** What is closed and collected. */
  readonly owner: { close(): unknown };
  serve(channel: Channel, otherwise?: RequestHandler): void;
  /** How many are attached, where it tells. */
  attached?(): number;
  /** Ends what it needs besides. */
  dispose(): Promise<void>;
}

const CLOSED_CHANNELS = 50;

/** What all that serve a store to other domains have in common. */
export function testServing(title: string, make: () => Promise<ServingCase>): void {
  const testCase = (what: string, run: (each: ServingCase) => Promise<void>): void => {
    test(`${title}: ${what}`, async () => {
      const each = await make();
      try {
        await run(each);
      } finally {
        await each.owner.close();
        await each.dispose();
      }
    });
  };

  testCase('an index at the other end is given the content, from the same memory', async each => {
    using pair = new ChannelPair();
    using otherPair = new ChannelPair();
    for (const { near } of [pair, otherPair]) each.serve(near);
    const [one, other] = [await attached(each, pair.far), await attached(each, otherPair.far)];
    const first = await one.ask(each.key);
    const second = await other.ask(each.key);
    assert.equal(first.content?.toString(), each.text);
    assert.deepEqual(placesOf(first.content), placesOf(second.content));
    for (const held of [first, second]) held.release();
    for (const index of [one, other]) index.close();
  });

  testCase('requests that are not for it are for the other handler, or an error', async each => {
    using pair = new ChannelPair();
    each.serve(pair.near, ({ head }) => ({ head: { echo: head ?? null } }));
    const { head } = await watchdog(pair.far.request({ head: { type: 'mine' } }), 'an answer');
    assert.deepEqual(head, { echo: { type: 'mine' } });
    using plain = new ChannelPair();
    each.serve(plain.near);
    const refused = plain.far.request({ head: { type: 'mine' } });
    await assert.rejects(watchdog(refused, 'an error'), { code: 'ERR_IOLITE_UNSUPPORTED' });
    const unknown = plain.far.request({ head: { type: `${each.name}.unknown` } });
    await assert.rejects(watchdog(unknown, 'an error'), { code: 'ERR_IOLITE_ARGUMENT' });
  });

  testCase('what is no channel, or no handler, is refused', async each => {
    using pair = new ChannelPair();
    for (const wrong of [undefined, null, 7, {}])
      assert.throws(() => each.serve(wrong as never), { code: 'ERR_IOLITE_ARGUMENT' });
    assert.throws(() => each.serve(pair.near, 'handler' as never), { code: 'ERR_IOLITE_ARGUMENT' });
    assert.equal(pair.near.listenerCount('close'), 0);
    assert.equal(each.attached?.() ?? 0, 0);
  });

  testCase('closed, it refuses, and leaves the channel as it was', async each => {
    using pair = new ChannelPair();
    pair.near.onRequest(() => ({ head: 'as before' }));
    const closing = each.owner.close();
    assert.throws(() => each.serve(pair.near), { code: 'ERR_IOLITE_CLOSED' });
    await closing;
    assert.throws(() => each.serve(pair.near), { code: 'ERR_IOLITE_CLOSED' });
    assert.equal(pair.near.listenerCount('close'), 0);
    const { head } = await watchdog(pair.far.request({ head: { type: 'any' } }), 'an answer');
    assert.equal(head, 'as before');
  });

  testCase('a channel that is closed already is nothing to it', async each => {
    await keepsNone(each, channel => {
      channel.destroy();
      each.serve(channel, () => undefined);
    });
  });

  testCase('of a channel that closes nothing stays', async each => {
    await keepsNone(each, async (channel, far) => {
      each.serve(channel, () => undefined);
      const index = await attached(each, far);
      (await index.ask(each.key)).release();
      assert.equal(each.attached?.() ?? 1, 1);
      channel.destroy();
      index.close();
    });
  });

  testCase('a channel that is served again is served once', async each => {
    using pair = new ChannelPair();
    each.serve(pair.near);
    let isDetached = (): void => {};
    const detached = new Promise<void>(resolve => {
      isDetached = resolve;
    });
    const before = new StoreIndex(each.name, isDetached);
    await watchdog(before.attach(pair.far), 'an attachment');
    // Its open question may not have come yet.
    each.serve(pair.near, () => ({ head: 'second' }));
    assert.equal(pair.near.listenerCount('close'), 1);
    assert.equal(each.attached?.() ?? 1, 1);
    const { head } = await watchdog(pair.far.request({ head: null }), 'an answer');
    assert.equal(head, 'second');
    await watchdog(detached, 'word that it is not attached any more');
    before.close();
    const again = await attached(each, pair.far);
    (await again.ask(each.key)).release();
    again.close();
  });

  test(`${title}: closed, it ends what it serves, and the channel keeps nothing of it`, async () => {
    using pair = new ChannelPair();
    let collected = false;
    const registry = new FinalizationRegistry(() => {
      collected = true;
    });
    registry.register(await servedAndClosed(make, pair), undefined);
    const { head } = await watchdog(pair.far.request({ head: { type: 'mine' } }), 'an answer');
    assert.equal(head, 'still here');
    assert.equal(pair.near.listenerCount('close'), 0);
    await collectGarbage(() => collected);
  });
}

/** A function of its own, so that none of its variables is left. */
async function servedAndClosed(
  make: () => Promise<ServingCase>,
  { near, far }: ChannelPair,
): Promise<object> {
  const each = await make();
  each.serve(near, () => ({ head: 'still here' }));
  let isDetached = (): void => {};
  const detached = new Promise<void>(resolve => {
    isDetached = resolve;
  });
  const index = new StoreIndex(each.name, () => isDetached());
  await watchdog(index.attach(far), 'an attachment');
  const held = await index.ask(each.key);
  await each.owner.close();
  await watchdog(detached, 'word that it is closed');
  assert.equal(held.content?.toString(), each.text);
  held.release();
  for (const type of ['attach', 'read', 'report']) {
    const request = far.request({ head: { type: `${each.name}.${type}`, key: each.key } });
    await assert.rejects(watchdog(request, 'an error'), { code: 'ERR_IOLITE_CLOSED' });
  }
  const { head } = await watchdog(far.request({ head: { type: `${each.name}.watch` } }), 'an answer');
  assert.deepEqual(head, { closed: true });
  index.close();
  assert.equal(each.attached?.() ?? 0, 0);
  await each.dispose();
  return each.owner;
}

/** Fails if channels, closed when `use` is done with them, are held by anybody. */
async function keepsNone(
  each: ServingCase,
  use: (channel: Channel, far: Channel) => void | Promise<void>,
): Promise<void> {
  let collected = 0;
  const registry = new FinalizationRegistry(() => {
    collected += 1;
  });
  for (let i = 0; i < CLOSED_CHANNELS; i++) await useOne(use, registry);
  assert.equal(each.attached?.() ?? 0, 0);
  // The last one may be in a register still.
  await collectGarbage(() => collected >= CLOSED_CHANNELS - 1);
}

async function useOne(
  use: (channel: Channel, far: Channel) => void | Promise<void>,
  registry: FinalizationRegistry<undefined>,
): Promise<void> {
  using pair = new ChannelPair();
  registry.register(pair.near, undefined);
  await use(pair.near, pair.far);
  assert.equal(pair.near.listenerCount('close'), 0);
}

async function attached({ name }: ServingCase, channel: Channel): Promise<StoreIndex<never>> {
  const index = new StoreIndex<never>(name, () => {});
  await watchdog(index.attach(channel), 'an attachment');
  return index;
}

function placesOf(content: { slices(): readonly { readonly id: unknown }[] } | undefined): unknown {
  return content?.slices().map(({ id }) => id);
}
