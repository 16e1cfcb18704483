import type { Socket } from 'node:net';
import type { MemoryRuns } from '../../os/gather.ts';
import { copyFrom } from '../../os/libc.ts';
import type { BareConnection } from '../../os/node-socket.ts';
import { receiveNow, sendFrom } from '../../os/socket.ts';
import { BareLink, type LinkHost } from '../bare-link.ts';
import { type ByteLink, type ByteLinkHost, SEND_STEP_BYTES } from '../byte-link.ts';
import type { RingUser } from './cipher-ring.ts';
import { encryptFirst, encryptPieces } from './records.ts';
import type { TlsGreeter, TlsHouse } from './tls-house.ts';
import { BROKEN, MORE_NEEDED, PEER_CLOSED, TlsSession } from './tls-session.ts';

/** What a connection is doing: see {@link TlsLink}. */
type State = 'greeting' | 'plain' | 'open' | 'ending' | 'over';

/** The first byte of a record of a handshake (RFC 8446, 5.1), with which each client begins. */
const HANDSHAKE_RECORD = 0x16;
/** Beyond one step waits what OpenSSL, or a protocol, answers a peer that reads nothing: it is ended. */
const MAX_WAITING_BYTES = 1024 ** 2;
/** Most bytes of a record, decrypted. */
const RECORD_BYTES = 16 * 1024;

/**
 * A bare connection with TLS on it: no socket of Node's, no stream, no copy between the memory that libuv
 * reads into and OpenSSL.
 *
 * | state | what happens | next |
 * |---|---|---|
 * | `greeting` | the handshake is done | `open` |
 * | | the first byte is none of TLS | `plain` |
 * | | the handshake fails: the peer is told why | `over` |
 * | `plain`: nothing is encrypted | {@link close} | `over` |
 * | `open`: decrypts, and encrypts | {@link end} | `ending` |
 * | `ending`: our side is over, what comes is decrypted | {@link close} | `over` |
 *
 * From each, {@link close} leads to `over`, and so does a connection that breaks.
 */
export class TlsLink implements ByteLink, LinkHost, RingUser {
  readonly #house: TlsHouse;
  readonly #link: BareLink;
  readonly #greeter: TlsGreeter;
  #session: TlsSession | undefined;
  #host: ByteLinkHost | undefined;
  #state: State = 'greeting';
  /** Encrypted bytes that came and were not decrypted yet. */
  #kept: Buffer | undefined;
  #isPaused = false;
  #isDecrypting = false;
  #peerEnded = false;
  /** Encrypted bytes that wait for the peer. */
  #waiting = 0;

  /** @param socket of the connection, if it has one already */
  constructor(house: TlsHouse, connection: BareConnection, greeter: TlsGreeter, socket?: Socket) {
    this.#house = house;
    this.#greeter = greeter;
    this.#link = new BareLink(connection, house, this, socket);
  }

  /** Begins with what is there to read. @returns whether it stays, which it need not */
  start(): boolean {
    const { cipher } = this.#house.room;
    const count = receiveNow(this.#link.fd, cipher);
    const readOn = count === 0 || this.filled(count);
    if (this.#state === 'over') return false;
    this.#link.keep(cipher);
    this.#link.share();
    if (readOn) this.#link.resume();
    return true;
  }

  get remoteAddress(): string | undefined {
    return this.#link.remoteAddress;
  }

  get hasUnsent(): boolean {
    return this.#waiting > 0;
  }

  /** Whether it is over. */
  get isClosed(): boolean {
    return this.#state === 'over';
  }

  /** Whether its socket was closed, by Node or by whoever was told of it. */
  get isBroken(): boolean {
    return this.#link.isBroken;
  }

  /** Whether the peer has said anything. */
  get hasBegun(): boolean {
    return this.#session !== undefined;
  }

  /** What is spoken above TLS; undefined where the client has not asked for any. */
  get protocol(): string | undefined {
    return this.#session?.protocol;
  }

  /** The name by which the client calls us. */
  get serverName(): string | undefined {
    return this.#session?.serverName;
  }

  /** Of what is not encrypted, and what waits in the kernel. Negative when it is closed. */
  get fd(): number {
    return this.#link.fd;
  }

  /** Somebody else has it from now on: what comes goes there. */
  giveTo(host: ByteLinkHost): void {
    this.#host = host;
  }

  send(pieces: readonly Uint8Array[]): boolean {
    let piece = 0;
    let offset = 0;
    while (piece < pieces.length && this.#state === 'open') {
      let taken = this.encrypt(pieces, piece, offset, SEND_STEP_BYTES);
      if (taken === 0) break;
      for (taken += offset; piece < pieces.length; piece++) {
        const { length } = pieces[piece] as Uint8Array;
        if (taken < length) break;
        taken -= length;
      }
      offset = taken;
    }
    return this.#waiting === 0;
  }

  /**
   * Encrypts pieces and sends them as far as the kernel takes them now. The rest is kept, encrypted, and the
   * host is told when it is gone: {@link hasUnsent}.
   * @param most bytes, {@link SEND_STEP_BYTES} at most
   * @returns how many bytes were encrypted; 0 when the connection is over
   */
  encrypt(pieces: readonly Uint8Array[], first: number, offset: number, most: number): number {
    const session = this.#enter();
    if (session === undefined || this.#state !== 'open') return 0;
    const count = encryptPieces(session, pieces, first, offset, most);
    if (count === -1) {
      this.#lose();
      return 0;
    }
    this.#flush();
    return count;
  }

  /** As {@link encrypt}, of memory in one piece. */
  encryptFrom(address: number, length: number): boolean {
    const session = this.#enter();
    if (session === undefined || this.#state !== 'open') return false;
    if (!session.write(address, length)) {
      this.#lose();
      return false;
    }
    this.#flush();
    return true;
  }

  /**
   * As {@link encrypt}, of runs of memory, of which only the last may be longer than a record.
   * @returns how many bytes were encrypted: less than all when the kernel takes no more
   */
  encryptRuns(runs: MemoryRuns): number {
    const session = this.#enter();
    if (session === undefined || this.#state !== 'open') return 0;
    const { size } = runs;
    const first = encryptFirst(session, runs);
    let done = first;
    let step = SEND_STEP_BYTES - first;
    while (done !== -1 && done < size) {
      const count = Math.min(step, size - done);
      done = session.write(runs.addressOfLast(size - done), count) ? done + count : -1;
      step = SEND_STEP_BYTES;
      if (done === size) break;
      this.#flush();
      if (this.#waiting > 0) return done;
    }
    if (done === -1) {
      this.#lose();
      return 0;
    }
    this.#flush();
    return done;
  }

  pause(): void {
    this.#isPaused = true;
    this.#link.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#state === 'over') return;
    this.#isPaused = false;
    if (!this.#isSecured) this.#link.resume();
    else if (!this.#house.room.isRead) this.#decryptAll();
    else setImmediate(() => this.#decryptAll()); // Others read what this would decrypt over.
  }

  end(): void {
    const session = this.#enter();
    if (session !== undefined && this.#state === 'open') {
      session.close();
      this.#flush();
    }
    if (this.#state === 'over') return;
    this.#state = 'ending';
    this.#link.end();
    this.resume();
  }

  /** Closes it when all was sent. @returns whether it is closed now; otherwise the host is told when */
  closeSoon(): boolean {
    const session = this.#enter();
    if (session !== undefined && this.#state === 'open') {
      session.close();
      this.#flush();
      this.#state = 'ending';
    }
    if (this.#waiting > 0 && !this.#link.closeSoon()) return false;
    this.close();
    return true;
  }

  close(): void {
    const session = this.#waiting === 0 && this.#state === 'open' ? this.#enter() : undefined;
    if (session !== undefined) {
      session.close();
      this.#flush();
    }
    this.#end();
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#house.room.ring.leave(this);
    this.#kept = undefined;
    // What decrypts is still using it.
    if (!this.#isDecrypting) this.#session?.free();
    this.#link.close();
  }

  /** Nothing waits for the peer any more: gives up what was needed for that. */
  relax(): void {
    if (this.#waiting === 0 && this.#state === 'open') this.#link.relax();
  }

  // For the bare connection

  filled(count: number): boolean {
    const { room } = this.#house;
    if (this.#state === 'greeting' && this.#session === undefined && !this.#begin()) return false;
    if (this.#state === 'plain') return this.#greeter.unsecured(room.cipher.subarray(0, count));
    if (this.#enter() === undefined) return false;
    room.ring.put(room.cipherAddress, count);
    return this.#state === 'greeting' ? this.#greet() : this.#decryptAll();
  }

  ended(): void {
    this.#peerEnds();
  }

  lost(): void {
    this.#lose();
  }

  vacate(): void {
    this.#flush();
    this.#kept = this.#house.room.ring.takeInput();
  }

  /** @returns undefined when it is over */
  #enter(): TlsSession | undefined {
    if (this.#state === 'over') return undefined;
    const { ring } = this.#house.room;
    ring.enter(this);
    const kept = this.#kept;
    if (kept !== undefined) {
      this.#kept = undefined;
      ring.putBytes(kept);
    }
    return this.#session;
  }

  /** The first byte is there. @returns false where there can be no session */
  #begin(): boolean {
    const { room, context } = this.#house;
    if (room.cipher[0] !== HANDSHAKE_RECORD) {
      this.#state = 'plain';
      return true;
    }
    try {
      this.#session = new TlsSession(context, room.ring);
      return true;
    } catch {
      // No memory, or a server that is closed: the client sees the connection end.
      this.#lose();
      return false;
    }
  }

  /** @returns whether to read on */
  #greet(): boolean {
    const session = this.#session as TlsSession;
    const isDone = session.handshake();
    // Also why it has failed, if it has.
    this.#flush();
    if (isDone === undefined) this.#lose();
    // It may be gone by now.
    if (isDone !== true || this.#isOver()) return isDone !== undefined;
    this.#state = 'open';
    this.#host = this.#greeter.secured();
    return this.#decryptAll();
  }

  /** Gives the host what came. @returns whether to read on */
  #decryptAll(): boolean {
    if (this.#isDecrypting) return !this.#isPaused;
    this.#isDecrypting = true;
    try {
      while (!this.#isPaused && this.#isSecured && this.#decryptSome());
    } finally {
      this.#isDecrypting = false;
      if (this.#isOver()) this.#session?.free();
    }
    if (this.#isPaused || this.#isOver()) return false;
    // The host may have paused and resumed meanwhile.
    this.#link.resume();
    return true;
  }

  /** @returns whether there may be more */
  #decryptSome(): boolean {
    const { plain, plainAddress, ring } = this.#house.room;
    const session = this.#enter();
    if (session === undefined) return false;
    session.begin();
    let count = 0;
    let result = MORE_NEEDED;
    let mayBeMore = true;
    while (mayBeMore && plain.length - count >= RECORD_BYTES) {
      result = session.read(plainAddress + count, RECORD_BYTES);
      if (result > 0) count += result;
      mayBeMore = result > 0 && ring.inputBytes > 0;
    }
    if (count > 0 && this.#host !== undefined && !this.#house.room.give(count, this.#host)) this.pause();
    // OpenSSL may have something to say itself.
    if (result <= 0 && this.#enter() !== undefined) this.#flush();
    if (result === PEER_CLOSED) this.#peerEnds();
    else if (result === BROKEN) this.#lose();
    return mayBeMore;
  }

  /** Sends what OpenSSL has put into the ring. */
  #flush(): void {
    const { ring } = this.#house.room;
    for (let count = ring.takeOutput(); count > 0; count = ring.takeOutput()) {
      const address = ring.outputAddress;
      const sent = this.#waiting > 0 ? 0 : sendFrom(this.#link.fd, address, count);
      if (sent < count) this.#wait(copyFrom(address + sent, count - sent));
    }
  }

  /** Lets Node's socket wait until the peer takes some bytes. */
  #wait(bytes: Buffer): void {
    const socket = this.#link.socket();
    this.#waiting += bytes.length;
    if (socket === undefined || socket.destroyed || this.#waiting > MAX_WAITING_BYTES) {
      // Whoever sends is to be done with that first.
      queueMicrotask(() => this.#lose());
      return;
    }
    socket.write(bytes, error => {
      this.#waiting -= bytes.length;
      // Of what it failed with its end tells.
      if (!error && this.#waiting === 0 && !this.#isOver()) this.#host?.drained();
    });
  }

  #peerEnds(): void {
    if (this.#peerEnded || this.#isOver()) return;
    this.#peerEnded = true;
    if (this.#host === undefined) this.#greeter.failed();
    else this.#host.ended();
  }

  /** The connection is gone, or of no use. */
  #lose(): void {
    if (this.#isOver()) return;
    this.#end();
    if (this.#host === undefined) this.#greeter.failed();
    else this.#host.lost();
  }

  get #isSecured(): boolean {
    return this.#state === 'open' || this.#state === 'ending';
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }
}
