import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../base/error.ts';
import type { ImportOptions } from './chunks/import-table.ts';
import { checkBusyPoll } from './flow/busy-poll.ts';
import { type Quotas, quotasOf } from './wire/quotas.ts';

/** What a domain accepts from the peer of a channel, and how it waits for it. */
export interface ChannelOptions extends Partial<ImportOptions>, Partial<Quotas> {
  /**
   * Microseconds, at most a second, for which the event loop polls instead of sleeping after something was
   * sent or received: answers that come meanwhile are seen at once, at the price of a processor. Default 0:
   * never.
   */
  readonly busyPoll?: number;
  /**
   * Sends what the events of one turn of the event loop give rise to in one system call, when all of them
   * were seen to: right where requests come of many sockets. Default false: after each event.
   */
  readonly gather?: boolean;
  /**
   * For a peer whose heads repeat: heads of up to 2 KiB come frozen, with all that they hold, and one that
   * came before comes as the same object, without being parsed again. Up to 512 are kept. Default false: each
   * head is an object of its own.
   */
  readonly rememberHeads?: boolean;
  /**
   * Bytes of a pool of ours with a limit that the peer may hold when the pool is full, of what nobody here
   * uses any more, or was sent and not taken. One that has held more for five seconds is cut off with
   * ERR_IOLITE_LIMIT, and its share given up. Default: half of the pool's limit.
   */
  readonly maxHeldBytes?: number;
}

const NAMES = optionNames<ChannelOptions>({
  onWrite: true,
  requireSealed: true,
  maxMessages: true,
  maxHeadBytes: true,
  maxSlices: true,
  maxBodyBytes: true,
  maxChunks: true,
  maxMappedBytes: true,
  maxLeasedChunks: true,
  maxLeasedBytes: true,
  maxStreams: true,
  busyPoll: true,
  gather: true,
  rememberHeads: true,
  maxHeldBytes: true,
});

/**
 * Throws ERR_IOLITE_ARGUMENT or ERR_IOLITE_RANGE unless a channel can be opened with them: before anything
 * is.
 */
export function checkChannelOptions(options: ChannelOptions = {}): void {
  checkOptionNames(options, NAMES, 'open channel');
  quotasOf(options);
  checkBusyPoll(options.busyPoll);
  if (options.maxHeldBytes !== undefined)
    checkInteger(options.maxHeldBytes, 'maxHeldBytes', 0, Number.MAX_SAFE_INTEGER);
  for (const name of ['gather', 'rememberHeads'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') {
      throw new ArgumentError(
        `Cannot open channel: true or false is wanted as ${name}, ${describe(value)} was given`,
      );
    }
  }
}
