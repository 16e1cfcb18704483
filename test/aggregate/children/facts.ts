/** A domain that derives facts of what it is sent, and passes that on. */
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import type { Message } from '../../../src/ipc/message.ts';

const channel = parentChannel();
const held: Aggregate[] = [];

channel.onRequest(obey);

async function obey({ head, body }: Message): Promise<Message> {
  const { ask, path = '' } = head as { ask: string; path?: string };
  if (body !== undefined) held.push(body);
  const last = held.at(-1);
  switch (ask) {
    case 'listen':
      (await listen(path)).on('channel', other => other.onRequest(obey));
      return {};
    case 'pass': {
      const next = await connect(path);
      const answer = await next.request({
        head: { ask: 'derive' },
        ...(last === undefined ? {} : { body: last }),
      });
      await next.close();
      return { head: answer.head ?? null };
    }
    case 'make': {
      const pool = createPool({ name: 'made' });
      const made = pool.from(Buffer.alloc(100_000, 'made here'));
      held.push(made);
      return { body: made };
    }
    case 'hold':
      return {};
    case 'release':
      for (const each of held.splice(0)) each.release();
      return {};
    default:
      return {
        head: {
          sha256: last?.digest('sha256') ?? '',
          crc32: last?.digest('crc32') ?? '',
          lines: last?.countLines() ?? 0,
        },
      };
  }
}
