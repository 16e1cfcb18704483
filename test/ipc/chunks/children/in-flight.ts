/**
 * Sends to peers that take no descriptor, and to one that does, until the kernel lets this user have no more
 * of them on their way. Says what became of the one message to the healthy peer when the others are gone.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { ChannelPair } from '../../../support/channel-pair.ts';
import { HELLO, Hostile } from '../../../support/hostile.ts';
import { limitDescriptors } from '../../../support/no-descriptors.ts';

const PEERS = 10;
const CHUNKS = 14;
/** Less than what is sent to all peers together, more than what is open here. */
const MOST_IN_FLIGHT = 120;

limitDescriptors(MOST_IN_FLIGHT);
using healthy = new ChannelPair();
const came = healthy.far[Symbol.asyncIterator]();
const stopped = Array.from({ length: PEERS }, () => new Hostile());
// Each of its buffers has a chunk of its own.
using pool = createPool({ kind: 'seal' });
const bodies = Array.from({ length: CHUNKS }, (_, i) => pool.from(`body ${i}`));
let left = PEERS * CHUNKS;
for (const { channel, peer } of stopped) {
  peer.write(HELLO);
  await channel.ready();
  for (const body of bodies) {
    channel.send({ body }).then(
      () => {
        left -= 1;
      },
      () => {},
    );
  }
}
for (let i = 0; i < 50; i++) await turn();
let outcome = 'waits';
const sending = healthy.near.send({ body: bodies[0] as (typeof bodies)[0] }).then(
  () => {
    outcome = 'sent';
  },
  error => {
    outcome = error.code;
  },
);
for (let i = 0; i < 50; i++) await turn();
const meanwhile = outcome;
for (const each of stopped) each[Symbol.dispose]();
await sending;
const text = outcome === 'sent' ? (await came.next()).value?.body?.toString() : undefined;
console.log(JSON.stringify({ isLimited: left > 0, meanwhile, text }));
for (const body of bodies) body.release();
process.exit();
