import type { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, describe, IoliteError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { Json } from '../../base/json.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { Message } from '../../ipc/message.ts';
import type { StoredVersion } from '../stored-version.ts';
import type { Directory } from './directory.ts';
import { DirectoryRequest, isDirectoryUses, type RecordFacts, typeOf } from './directory-protocol.ts';

/** The domain that writes a directory, as its services see it. */
export interface DirectoryOwner {
  readonly directory: Directory;
  /** See {@link DirectoryGreeting}. */
  readonly maxStale: number;
  /** What is under a key: a reference, which the caller releases. @throws ENOENT */
  find(key: string): StoredVersion;
  factsOf(held: StoredVersion): RecordFacts;
  /** A version was used in another domain. */
  used(serial: number, times: number): void;
}

/** The owner's side of one domain that reads its directory. */
export class DirectoryService {
  readonly #name: string;
  /** Undefined when it is closed. */
  #owner: DirectoryOwner | undefined;
  readonly #channel: Channel;

  constructor(name: string, owner: DirectoryOwner, channel: Channel) {
    this.#name = name;
    this.#owner = owner;
    this.#channel = channel;
  }

  /** Answers a request. @returns undefined for one that is not for it @throws ERR_IOLITE_ARGUMENT; ENOENT */
  handle({ head, body }: Message): Message | undefined {
    const { type, ...asked } = (head ?? {}) as { readonly [name: string]: Json | undefined };
    const request = Object.values(DirectoryRequest).find(each => typeOf(this.#name, each) === type);
    if (request === undefined || request === DirectoryRequest.REPLACED) return undefined;
    body?.release();
    const owner = this.#owner;
    if (owner === undefined)
      throw new IoliteError('ERR_IOLITE_CLOSED', `Cannot answer ${describe(type)}: what it asks is closed`);
    if (request === DirectoryRequest.OPEN)
      return answerOf({ maxStale: owner.maxStale }, owner.directory.share());
    return request === DirectoryRequest.READ ? this.#read(owner, asked.key) : this.#used(owner, asked);
  }

  /** Another directory has taken the place of the one that it was given. */
  replaced(): void {
    const head = { type: typeOf(this.#name, DirectoryRequest.REPLACED) };
    this.#channel.request({ head }).then(({ body }) => body?.release(), ignore);
  }

  close(): void {
    this.#owner = undefined;
  }

  #read(owner: DirectoryOwner, key: unknown): Message {
    if (typeof key !== 'string')
      throw new ArgumentError(`Cannot read from cache: a key is wanted, ${describe(key)} was given`);
    const held = owner.find(key);
    const { serial } = held;
    const head = { ...owner.factsOf(held), serial, chunks: owner.directory.chunksOf(held) };
    const body = held.shareContent();
    held.release();
    return answerOf(head, body);
  }

  #used(owner: DirectoryOwner, asked: object): Message {
    if (!isDirectoryUses(asked))
      throw new ArgumentError('Cannot answer report: a list of what was used is wanted');
    for (const [serial, times] of asked.used) owner.used(serial, times);
    return {};
  }
}

function answerOf(head: Json, body: Aggregate | undefined): Message {
  return body === undefined ? { head } : { head, body };
}
