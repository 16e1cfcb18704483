import type { Channel } from '../../ipc/channel.ts';

/** By which channel each of those who share a cache has come last, and who has come by each. */
export class Members {
  readonly #channels = new Map<string, Channel>();
  readonly #names = new Map<Channel, string>();

  /**
   * One has come, or come again: what it has sent by the channel before, and not been told of, is not to
   * overtake what it does now. So that one is closed.
   * @param name one by each channel: another one takes its place
   */
  joined(name: string, channel: Channel): void {
    this.left(channel);
    const before = this.#channels.get(name);
    this.#channels.set(name, channel);
    this.#names.set(channel, name);
    before?.destroy();
  }

  /** A channel is closed. */
  left(channel: Channel): void {
    const name = this.#names.get(channel);
    this.#names.delete(channel);
    if (name !== undefined && this.#channels.get(name) === channel) this.#channels.delete(name);
  }
}
