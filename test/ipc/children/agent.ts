/**
 * A domain of a topology. It does what it is asked over any of its channels: keeps what it is sent, passes it
 * on to others, and says what it holds. Connected to its parent if it was forked.
 */
import { createHash } from 'node:crypto';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Json } from '../../../src/base/json.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { everyone } from '../../../src/memory/acl.ts';
import { holdings } from '../../support/holdings.ts';
import { attack } from './attack.ts';
import { stopAt } from './stops.ts';

interface Order {
  readonly ask: string;
  readonly path?: string;
  readonly size?: number;
  readonly options?: object;
}

const pool = createPool({ name: 'agent' });
const held: Aggregate[] = [];
const channels = new Map<string, Channel[]>();
const before = holdings();

async function obey({ head, body }: Message): Promise<Message> {
  const { ask, path = '', size = 1, options = {} } = head as unknown as Order;
  if (body !== undefined) held.push(body);
  switch (ask) {
    case 'listen':
      (await listen(path, { acl: everyone, ...options })).on('channel', serve);
      return {};
    case 'connect':
      for (let i = 0; i < size; i++) {
        const channel = await connect(path, { acl: everyone, ...options });
        serve(channel);
        channels.set(path, [...(channels.get(path) ?? []), channel]);
      }
      return {};
    case 'disconnect':
      for (const channel of channels.get(path) ?? []) await channel.close();
      channels.delete(path);
      return {};
    case 'pass': {
      const answer = await channels.get(path)![0]!.request({ head: { ask: 'keep' }, body: held.at(-1)! });
      return { head: answer.head as Json };
    }
    case 'try to pass': {
      const [channel] = channels.get(path)!;
      const answer = channel!.request({ head: { ask: 'keep' }, body: held.at(-1)! });
      return { head: await answer.then(() => 'passed').catch(error => error.code as string) };
    }
    case 'attack':
      return { head: await attack(process.ppid, size) };
    case 'make':
      return { body: pool.from(Buffer.alloc(size, 0x61)) };
    case 'stop at':
      stopAt(path);
      return {};
    case 'release':
      for (const each of held.splice(0)) each.release();
      return {};
    case 'finish':
      pool.close();
      return {};
    case 'excess': {
      const now = holdings();
      globalThis.gc?.();
      return {
        head: {
          descriptors: now.descriptors - before.descriptors,
          mappings: now.mappings - before.mappings,
        },
      };
    }
    default:
      return { head: held.map(each => digestOf(each)) };
  }
}

function digestOf(aggregate: Aggregate): string {
  const hash = createHash('sha1');
  for (const view of aggregate.views()) hash.update(view);
  return hash.digest('hex');
}

function serve(channel: Channel): void {
  channel.on('close', () => {});
  channel.onRequest(obey);
}

serve(parentChannel(JSON.parse(process.argv[2] ?? '{}')));
