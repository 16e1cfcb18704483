import { Channel } from '../../src/ipc/channel.ts';
import type { ChannelOptions } from '../../src/ipc/channel-options.ts';
import { socketPair } from '../../src/os/socket.ts';

/** Both ends of a channel, in this process. Destroyed when disposed of. */
export class ChannelPair {
  readonly near: Channel;
  readonly far: Channel;

  /** @param options of the near end, and of the far one */
  constructor(options: ChannelOptions = {}, farOptions: ChannelOptions = {}) {
    const [nearMessages, farMessages] = socketPair('stream');
    const [nearDescriptors, farDescriptors] = socketPair('seqpacket');
    const self = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    this.near = new Channel({ messages: nearMessages, descriptors: nearDescriptors }, self, options);
    this.far = new Channel({ messages: farMessages, descriptors: farDescriptors }, self, farOptions);
  }

  [Symbol.dispose](): void {
    this.near.destroy();
    this.far.destroy();
  }
}
