import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as setTimer } from 'node:timers/promises';
import { now } from '../../base/clock.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../base/error.ts';
import type { Channel } from '../../ipc/channel.ts';
import { connect } from '../../ipc/meet/connect.ts';
import type { Endpoint } from '../../ipc/meet/endpoint.ts';
import { listen } from '../../ipc/meet/listen.ts';
import { lastingName } from '../../ipc/meet/own-folder.ts';

/** What a member does in its two roles. */
export interface Roles {
  /** It owns what all share from now on. @param isFollowing whether others may have had another owner */
  own(isFollowing: boolean): void;
  /** Another domain has come, to share it. */
  serve(channel: Channel): void;
  /** Another domain owns it. Rejects when that one does not go along: then the next attempt follows. */
  attach(channel: Channel): Promise<void>;
  /** It belongs to nobody: the owner is gone, or the first attempt has failed. */
  left(reason: Error): void;
}

/** Where who owns what is shared by a name listens. @returns undefined where there is no folder for it */
export function meetingPlace(kind: string, name: string): string | undefined {
  return lastingName(`${kind}-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`);
}

const MAX_NAME_CHARACTERS = 200;
/** How long an owner may take to greet. One that is stopped keeps its office, and nobody gets an answer. */
const GREETING_MS = 2000;
/** Between two attempts: at most so long, by chance, so that not all try at the same time. */
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 500;
/** How often an owner sees to it that it can be found. */
const LOOK_MS = 250;
const MAX_CHANNELS = 2 ** 16;
/** What an owner says as long as it has no end. */
const OWNED = 'owned';
/** What is answered to an attempt while the other side begins or ends. */
const PASSING = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ERR_IOLITE_PEER',
  'ERR_IOLITE_CLOSED',
  'ECONNRESET',
  'EPIPE',
]);

/**
 * One of the domains that share something by a name: the first owns it, the others attach to that one, and
 * when it is gone one of them takes its place. Who that is the kernel decides: a socket file in a folder that
 * only this user can write, and on which one process listens (`listen()` replaces that of a dead one).
 *
 * It does not keep the program from ending but while somebody waits: see {@link ref}.
 */
export class Membership {
  readonly #path: string;
  readonly #roles: Roles;
  readonly #outlives: number;
  #endpoint: Endpoint | undefined;
  /** To the owner. */
  #channel: Channel | undefined;
  /** From the others, where this is the owner. */
  readonly #served = new Set<Channel>();
  /** Before the next attempt. */
  #pause: NodeJS.Timeout | undefined;
  /** While it owns what is shared. */
  #watch: NodeJS.Timeout | undefined;
  #isReturning = false;
  #waiting = 0;
  #isFollowing = false;
  #closed = false;

  /**
   * @param kind of what is shared: names of two kinds are not the same
   * @param outlives milliseconds that members may use what an owner has given out that is gone
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE for the name; ERR_IOLITE_UNSUPPORTED
   */
  constructor(kind: string, name: string, roles: Roles, outlives = 0) {
    if (typeof name !== 'string')
      throw new ArgumentError(`Cannot share cache: a name is wanted, ${describe(name)} was given`);
    checkInteger(name.length, 'length of name', 1, MAX_NAME_CHARACTERS);
    const path = meetingPlace(kind, name);
    if (path === undefined)
      throw new IoliteError('ERR_IOLITE_UNSUPPORTED', 'Cannot share cache: there is no folder for sockets');
    this.#path = path;
    this.#roles = roles;
    this.#outlives = outlives;
    void this.#join();
  }

  /** Somebody waits for an answer: that long the program does not end. */
  ref(): void {
    this.#waiting += 1;
    if (this.#waiting > 1) return;
    this.#channel?.ref();
    this.#endpoint?.ref();
    this.#pause?.ref();
  }

  unref(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    this.#channel?.unref();
    this.#endpoint?.unref();
    this.#pause?.unref();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    this.#channel?.destroy();
    if (this.#endpoint === undefined) return;
    const isTold = this.#tellEnd(now() + this.#outlives);
    for (const channel of this.#served) channel.destroy();
    // The next owner is not to begin while others may use what it cannot know of.
    if (!isTold) await setTimer(this.#outlives);
    await this.#endpoint.close();
  }

  /** Says until when others may use what is given out, or that it is owned. @returns false if it failed */
  #tellEnd(end: number | typeof OWNED): boolean {
    try {
      writeFileSync(this.#endPath, String(end));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Whether others may use what an owner has given out: one that was killed, or one that closed it just now.
   * The socket file alone does not tell: who was about to take it over may have been killed as well.
   */
  #isFollowed(): boolean {
    if (existsSync(this.#path)) return true;
    let said: string;
    try {
      said = readFileSync(this.#endPath, 'utf8');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOENT';
    }
    // Half written it is of one that was killed.
    const end = Number(said === '' ? OWNED : said);
    // What lies further ahead is of before the machine was started.
    return Number.isNaN(end) || (now() < end && end < now() + this.#outlives);
  }

  get #endPath(): string {
    return `${this.#path}.end`;
  }

  /** Until it has one of the roles. */
  async #join(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; !this.#closed; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        if ((await this.#tryToOwn()) || (await this.#tryToAttach())) return;
      } catch (error) {
        if (this.#closed) return;
        if (!PASSING.has((error as NodeJS.ErrnoException).code ?? '')) this.#roles.left(error as Error);
        else if (pause === LONGEST_PAUSE_MS) this.#roles.left(error as Error);
      }
      await this.#wait(Math.random() * pause);
    }
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      this.#pause = setTimeout(resolve, ms);
      if (this.#waiting === 0) this.#pause.unref();
    });
    this.#pause = undefined;
  }

  async #tryToOwn(): Promise<boolean> {
    let endpoint: Endpoint;
    this.#isFollowing ||= this.#isFollowed();
    try {
      endpoint = await listen(this.#path, { maxChannels: MAX_CHANNELS });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
      throw error;
    }
    if (this.#closed) {
      await endpoint.close();
      return true;
    }
    // Where that fails, the socket file says so as a rule.
    this.#tellEnd(OWNED);
    this.#roles.own(this.#isFollowing);
    this.#listenAt(endpoint);
    this.#watch = setInterval(() => this.#keepFound(), LOOK_MS).unref();
    return true;
  }

  #listenAt(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
    if (this.#waiting === 0) endpoint.unref();
    endpoint.on('channel', channel => {
      if (this.#closed) return channel.destroy();
      this.#served.add(channel.unref());
      channel.once('close', () => this.#served.delete(channel));
      this.#roles.serve(channel);
    });
  }

  /** Who cleans up may take the socket file of an owner that lives: it is found again, at a new one. */
  async #keepFound(): Promise<void> {
    if (this.#closed || this.#isReturning || existsSync(this.#path)) return;
    this.#isReturning = true;
    try {
      // First, as it removes the file: not one that is new. Channels stay.
      await this.#endpoint?.close();
      const endpoint = await listen(this.#path, { maxChannels: MAX_CHANNELS });
      this.#listenAt(endpoint);
      if (this.#closed) await endpoint.close();
    } catch {
      // The folder is gone as well, or another process has come first: that one is found from now on.
    } finally {
      this.#isReturning = false;
    }
  }

  async #tryToAttach(): Promise<boolean> {
    const channel = await connect(this.#path, { timeout: GREETING_MS });
    if (this.#closed) {
      channel.destroy();
      return true;
    }
    try {
      this.#isFollowing = true;
      await this.#roles.attach(channel);
    } catch (error) {
      channel.destroy();
      throw error;
    }
    if (this.#closed) {
      channel.destroy();
      return true;
    }
    this.#channel = channel;
    if (this.#waiting === 0) channel.unref();
    const rejoin = (): void => {
      this.#channel = undefined;
      if (this.#closed) return;
      this.#roles.left(new IoliteError('ERR_IOLITE_PEER', 'The owner of the cache is gone'));
      void this.#join();
    };
    if (channel.closed) rejoin();
    else channel.once('close', rejoin);
    return true;
  }
}
