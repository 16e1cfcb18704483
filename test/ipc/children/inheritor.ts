/** A child that tells what it inherited, or exits with the code that it is given. */
import { readlinkSync } from 'node:fs';
import { inheritedDescriptors, parentChannel } from '../../../src/ipc/meet/fork.ts';

const channel = parentChannel();
channel.once('close', error => process.exit(error === undefined ? 0 : 3));
channel.onRequest(({ head }) => ({
  head: {
    exits: typeof head === 'number' && process.exit(head),
    parent: channel.peer.pid,
    args: process.argv.slice(2),
    variable: process.env.OF_THE_TEST,
    channelVariable: process.env.IOLITE_CHANNEL ?? null,
    files: inheritedDescriptors().map(fd => readlinkSync(`/proc/self/fd/${fd}`)),
  },
}));
