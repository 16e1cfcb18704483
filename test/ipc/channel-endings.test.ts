import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { MessageKind } from '../../src/ipc/wire/frame.ts';
import { holdings, holdingsReturnTo } from '../support/holdings.ts';
import { HELLO, Hostile, messageFrame } from '../support/hostile.ts';
import { Program } from '../support/program.ts';
import { hostileTest } from '../support/standstill.ts';
import { watchdog } from '../support/watchdog.ts';

const QUITTER = new URL('./children/quitter.ts', import.meta.url);

for (const way of ['exit', 'kill', 'destroy', 'close']) {
  test(`a peer that goes by '${way}' fails what waits for it, with a code, and leaves nothing`, async () => {
    const before = holdings();
    const pool = createPool();
    {
      await using endpoint = await listen(`@iolite-endings-${process.pid}`);
      await using _ = new Program(QUITTER, [endpoint.path, way]);
      const [channel] = await watchdog(once(endpoint, 'channel'), 'the peer');
      const closed = once(channel, 'close');
      const next = channel[Symbol.asyncIterator]().next();
      using body = pool.from('x'.repeat(300_000));
      const code = 'ERR_IOLITE_PEER';
      await assert.rejects(watchdog(channel.request({ body }), 'the request to fail'), { code });
      if (way === 'close') {
        // A farewell: what comes after it is no accident.
        assert.deepEqual(await watchdog(next, 'the end'), { value: undefined, done: true });
        await watchdog(channel.close(), 'the channel to close');
        assert.deepEqual(await closed, [undefined]);
        await assert.rejects(channel.send({ body }), { code: 'ERR_IOLITE_CLOSED' });
      } else {
        await assert.rejects(watchdog(next, 'the iteration to fail'), { code });
        assert.equal((await closed)[0].code, code);
        await assert.rejects(channel.send({ body }), { code });
        await assert.rejects(channel.request({ body }), { code });
      }
    }
    pool.close();
    assert.equal(pool.stats().chunks, 0);
    await holdingsReturnTo(before);
  });
}

for (const isUnread of [false, true]) {
  hostileTest(
    `who takes no descriptors ${isUnread ? 'any more' : 'at all'} is gone, once it is read`,
    async () => {
      using hostile = new Hostile();
      using pool = createPool({ chunkSize: 64 * 1024 });
      hostile.peer.write(HELLO);
      await watchdog(hostile.channel.ready(), 'the greeting');
      using unread = pool.from('never taken');
      if (isUnread) await hostile.channel.send({ body: unread });
      // Its other socket stays open.
      hostile.peer.write(messageFrame(MessageKind.ONE_WAY, 0, { head: '"last words"' }));
      hostile.closeDescriptors();
      using body = pool.from('x'.repeat(60_000));
      const ends: Promise<unknown>[] = [hostile.channel.send({ body }), hostile.channel.request({ body })];
      ends.push(hostile.channel.send({ head: 'without a body' }));
      for (const end of ends) {
        await assert.rejects(watchdog(end, 'the message to fail'), { code: 'ERR_IOLITE_PEER' });
      }
      assert.equal(await hostile.code(), 'ERR_IOLITE_PEER');
      assert.deepEqual(hostile.messages, [{ head: 'last words' }]);
    },
  );
}
