import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { checkInteger, IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { type Acl, admits, type Credentials } from '../../memory/acl.ts';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import { descriptorOf } from '../../os/node-socket.ts';
import {
  admitDescriptors,
  closeWithDescriptors,
  peerCredentials,
  refuseDescriptors,
} from '../../os/socket.ts';
import { peerAddress } from '../../os/unix-address.ts';
import { Channel } from '../channel.ts';
import { noteRefusal } from '../channel-events.ts';
import type { ChannelOptions } from '../channel-options.ts';
import { Inbox } from '../inbox.ts';
import { type ConnectionRefusal, refusalError, refusalFrame } from '../wire/refusal.ts';
import { dropConnection, holdUnread } from './drop-connection.ts';
import { HalfChannels } from './half-channels.ts';
import { readRendezvousName } from './rendezvous.ts';

/** Whom an endpoint admits, and what it accepts from them. */
export interface EndpointOptions {
  /** Who may connect, by what the kernel says of them. Default: processes of our user id. */
  readonly acl?: Acl;
  /** Most channels that are open at a time. Default 1024. */
  readonly maxChannels?: number;
  /** Milliseconds that a connection may take to become a channel. Default 5000. */
  readonly greetingTimeout?: number;
  /** Of the channels that come of it. */
  readonly channel?: ChannelOptions;
}

interface Events {
  /** A peer has connected. */
  channel: [channel: Channel];
  /** A connection came to nothing: why, and whose it was. The endpoint goes on. */
  refused: [error: Error, peer: Credentials | undefined];
  close: [];
  /** EventEmitter's own. */
  newListener: [event: string | symbol];
}

const DEFAULT_MAX_CHANNELS = 1024;
const DEFAULT_GREETING_TIMEOUT_MS = 5000;
/** Refused connections that may be kept open until they have read why, and for how long. */
const MAX_LINGERING_SOCKETS = 64;
const LINGER_MS = 1000;

/**
 * Where other processes connect to this one. Each connection becomes a channel, given to the listeners of
 * 'channel' or else to whoever iterates over it. A connection that is refused, garbage or slow ends by
 * itself; the others notice nothing of it. Use listen().
 */
export class Endpoint extends EventEmitter<Events> implements AsyncIterable<Channel> {
  /** As it was given to listen(). */
  readonly path: string;
  readonly #server: Server;
  readonly #acl: Acl | undefined;
  readonly #maxChannels: number;
  readonly #greetingTimeout: number;
  readonly #accepted: ChannelOptions;
  readonly #halfChannels: HalfChannels;
  readonly #channels = new Set<Channel>();
  /** Channels whose peer has not greeted, the oldest first. */
  readonly #silent = new Set<Channel>();
  readonly #lingering = new Set<Socket>();
  /** Channels that nobody has taken yet. */
  readonly #inbox = new Inbox<Channel>();
  /** Whether nobody can pass descriptors to a connection that is not a channel's. */
  readonly #takesBytesOnly: boolean;
  #closed = false;

  /** @param server listens already, and accepts paused */
  constructor(server: Server, path: string, options: EndpointOptions) {
    super();
    const { acl, channel = {} } = options;
    const { maxChannels = DEFAULT_MAX_CHANNELS, greetingTimeout = DEFAULT_GREETING_TIMEOUT_MS } = options;
    checkInteger(maxChannels, 'maxChannels', 1, 2 ** 20);
    checkInteger(greetingTimeout, 'greetingTimeout', 1, 2 ** 31 - 1);
    this.path = path;
    this.#server = server;
    this.#takesBytesOnly = refuseDescriptors(descriptorOf(server));
    this.#acl = acl;
    this.#maxChannels = maxChannels;
    this.#greetingTimeout = greetingTimeout;
    this.#accepted = channel;
    this.#halfChannels = new HalfChannels(greetingTimeout);
    server.on('connection', socket => this.#connected(socket));
    // Those that came before somebody listened.
    this.on('newListener', event => event === 'channel' && setImmediate(() => this.#emitReady()));
    // A connection that could not be accepted, for want of descriptors.
    server.on('error', error => this.emit('refused', error, undefined));
  }

  /** Whether it takes no more connections. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many channels that were made here are open. */
  get channels(): number {
    return this.#channels.size;
  }

  /** The channels in the order they come, until the endpoint is closed. */
  [Symbol.asyncIterator](): AsyncIterator<Channel, undefined> {
    return this.#inbox.iterate();
  }

  /** Lets the process end although the endpoint is open. */
  unref(): this {
    this.#server.unref();
    return this;
  }

  /** Keeps the process from ending while it listens, as it does at first. */
  ref(): this {
    this.#server.ref();
    return this;
  }

  /**
   * Ends listening and frees the name. Channels that were given out live on; those that nobody took are
   * closed. Closing twice does nothing.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    this.#halfChannels.clear();
    for (const channel of [...this.#silent, ...this.#inbox.clear()]) channel.destroy();
    for (const socket of this.#lingering) dropConnection(socket);
    this.#inbox.end();
    this.emit('close');
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A connection, nothing of which was read. */
  #connected(socket: Socket): void {
    socket.on('error', () => {});
    let peer: Credentials;
    let name: string;
    try {
      const fd = descriptorOf(socket);
      peer = peerCredentials(fd);
      name = peerAddress(fd);
    } catch {
      dropConnection(socket);
      return;
    }
    const { role, token } = readRendezvousName(name) ?? {};
    if (!admits(this.#acl, peer)) {
      // Its second connection will be told.
      if (role === 'd') dropConnection(socket);
      else this.#refuse(socket, 'access', peer);
      return;
    }
    if (token === undefined) return this.#refuse(socket, 'protocol', peer);
    if (role === 'd') return this.#halfChannels.add(token, socket, peer);
    if (!this.#halfChannels.has(token)) return this.#refuse(socket, 'half', peer);
    let descriptors: number | undefined;
    let messages: number;
    try {
      descriptors = this.#halfChannels.take(token, peer);
      if (descriptors === undefined) return this.#refuse(socket, 'protocol', peer);
      if (!this.#hasRoom()) {
        closeWithDescriptors(descriptors);
        return this.#refuse(socket, 'limit', peer);
      }
      messages = duplicateDescriptor(descriptorOf(socket));
    } catch {
      if (descriptors !== undefined) closeWithDescriptors(descriptors);
      return this.#refuse(socket, 'limit', peer);
    }
    // Nothing was read of it: the channel has a socket of its own over the same connection.
    socket.destroy();
    admitDescriptors(descriptors);
    this.#open(new Channel({ messages, descriptors }, peer, this.#accepted));
  }

  /** Whether one more channel may be opened, at the cost of one that never greeted if need be. */
  #hasRoom(): boolean {
    if (this.#channels.size < this.#maxChannels) return true;
    for (const oldest of this.#silent) {
      oldest.destroy();
      return true;
    }
    return false;
  }

  /** A channel that is complete but for the peer's greeting. */
  #open(channel: Channel): void {
    const timer = setTimeout(() => channel.destroy(silentPeerError()), this.#greetingTimeout);
    this.#silent.add(channel);
    this.#channels.add(channel);
    invariant(this.#channels.size <= this.#maxChannels, 'no more channels are open than may be');
    channel.once('close', () => this.#channels.delete(channel));
    const settled = (): void => {
      clearTimeout(timer);
      this.#silent.delete(channel);
    };
    channel.ready().then(
      () => {
        settled();
        this.#give(channel);
      },
      error => {
        settled();
        // One that has just gone was not refused.
        if (error.code !== 'ERR_IOLITE_PEER') noteRefusal(error, channel.peer);
        this.emit('refused', error, channel.peer);
      },
    );
  }

  #give(channel: Channel): void {
    if (this.#closed) return channel.destroy();
    if (this.listenerCount('channel') > 0) {
      this.emit('channel', channel);
      return;
    }
    this.#inbox.push(channel);
  }

  #emitReady(): void {
    if (this.listenerCount('channel') === 0) return;
    for (const channel of this.#inbox.clear()) this.emit('channel', channel);
  }

  /** Says why, and waits for the other side to have read it: a socket that is closed at once may lose it. */
  #refuse(socket: Socket, refusal: ConnectionRefusal, peer: Credentials): void {
    const error = refusalError(refusal);
    noteRefusal(error, peer);
    this.emit('refused', error, peer);
    if (this.#lingering.size >= MAX_LINGERING_SOCKETS) {
      dropConnection(socket);
      return;
    }
    this.#lingering.add(socket);
    const timer = setTimeout(() => dropConnection(socket), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#lingering.delete(socket);
    });
    // To read a descriptor is to close it, and that may wait.
    if (this.#takesBytesOnly) socket.resume();
    else holdUnread(socket);
    socket.end(refusalFrame(refusal));
  }
}

function silentPeerError(): IoliteError {
  return new IoliteError('ERR_IOLITE_PEER', 'The peer did not greet in time');
}
