/** A child that tells what it inherited. */
import { readlinkSync } from 'node:fs';
import { inheritedDescriptors, parentChannel } from '../../../src/ipc/meet/fork.ts';

const channel = parentChannel();
channel.once('close', error => process.exit(error === undefined ? 0 : 3));
channel.onRequest(() => ({
  head: {
    parent: channel.peer.pid,
    args: process.argv.slice(2),
    variable: process.env.OF_THE_TEST,
    channelVariable: process.env.IOLITE_CHANNEL ?? null,
    files: inheritedDescriptors().map(fd => readlinkSync(`/proc/self/fd/${fd}`)),
  },
}));
