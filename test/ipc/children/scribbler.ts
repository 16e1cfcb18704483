/** A child that writes into bodies it received, and tells what it then has, in every way there is. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { sendAggregate } from '../../../src/network/send.ts';

const channel = parentChannel({ onWrite: 'copy' });
let held: Aggregate | undefined;

channel.onRequest(async ({ head, body }) => {
  const { ask } = head as { ask: string };
  if (ask === 'read') return { head: endsOf(body as Aggregate) };
  if (ask === 'send back') return { body: (held as Aggregate).duplicate() };
  if (ask === 'release') {
    held?.release();
    held = undefined;
    return {};
  }
  held = body as Aggregate;
  held.digest('sha256');
  held.digest('crc32');
  for (const view of held.views()) view.fill(0x58);
  for (const slice of held.slices()) slice.bytes.write('X');
  return {
    head: {
      text: endsOf(held),
      byte: held.at(0),
      copy: held.toBuffer().toString('latin1', 0, 4),
      sha256: held.digest('sha256'),
      crc32: held.digest('crc32'),
      sentByCopy: await sent('copy'),
      sentByReference: await sent('reference'),
    },
  };
});

function endsOf(body: Aggregate): string {
  return `${body.toString('latin1', 0, 4)}${body.toString('latin1', body.length - 4)}`;
}

async function sent(mode: 'copy' | 'reference'): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = await accepted;
  const received = buffer(client);
  await sendAggregate(socket, held as Aggregate, { mode });
  socket.end();
  server.close();
  const bytes = await received;
  return `${bytes.toString('latin1', 0, 4)}${bytes.toString('latin1', bytes.length - 4)}`;
}
