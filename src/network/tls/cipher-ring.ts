import { IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import { type Address, addressOf } from '../../os/libc.ts';
import { openssl, type Pointer } from '../../os/openssl.ts';
import { type ByteLinkHost, SEND_STEP_BYTES } from '../byte-link.ts';

/** What one read brings, and what may have been left of the one before. */
const IN_BYTES = 128 * 1024;
/** What one step of sending becomes, with what OpenSSL has to say itself. */
const OUT_BYTES = SEND_STEP_BYTES + 48 * 1024;

/** Whoever has encrypted bytes in a {@link CipherRing}. */
export interface RingUser {
  /** Somebody else needs the ring: what is in it has to be out of it when this returns. */
  vacate(): void;
}

/**
 * The encrypted bytes of all connections of a thread on their way from and to OpenSSL: one pair of BIOs, so
 * that they stay in the processor's caches. It belongs to one connection at a time, which is told when
 * another needs it.
 */
export class CipherRing {
  /** OpenSSL's end, and ours. */
  readonly #inner: Pointer;
  readonly #outer: Pointer;
  #user: RingUser | undefined;
  readonly #place = new Uint32Array(new ArrayBuffer(8));

  /** @throws ERR_IOLITE_UNSUPPORTED, ERR_IOLITE_LIMIT */
  constructor() {
    const inner = new BigUint64Array(new ArrayBuffer(8));
    const outer = new BigUint64Array(new ArrayBuffer(8));
    if (openssl().BIO_new_bio_pair(inner, OUT_BYTES, outer, IN_BYTES) !== 1)
      throw new IoliteError('ERR_IOLITE_LIMIT', 'Cannot use TLS: no memory is left for it');
    this.#inner = Number(inner[0]);
    this.#outer = Number(outer[0]);
  }

  /** OpenSSL's end, with a reference that is the caller's. */
  share(): Pointer {
    openssl().BIO_up_ref(this.#inner);
    return this.#inner;
  }

  /** It belongs to this user from now on, and is empty if it did not before. */
  enter(user: RingUser): void {
    if (this.#user === user) return;
    this.#user?.vacate();
    this.#user = user;
  }

  /** What is left in it of this user is nobody's. */
  leave(user: RingUser): void {
    if (this.#user !== user) return;
    this.#user = undefined;
    const { BIO_nread } = openssl();
    while (BIO_nread(this.#outer, this.#place, OUT_BYTES) > 0);
    this.takeInput();
  }

  /** Encrypted bytes that came. */
  put(address: Address, length: number): void {
    const taken = openssl().BIO_write(this.#outer, address, length);
    invariant(taken === length, 'what comes in one read finds room in the ring');
  }

  /** As {@link put}, of bytes that were taken back. */
  putBytes(bytes: Buffer): void {
    this.put(Number(addressOf(bytes)), bytes.length);
  }

  /** Bytes that came and that OpenSSL has not read. */
  get inputBytes(): number {
    return openssl().BIO_ctrl_pending(this.#inner);
  }

  /** Takes them back. */
  takeInput(): Buffer | undefined {
    const { inputBytes } = this;
    if (inputBytes === 0) return undefined;
    const bytes = Buffer.from(new ArrayBuffer(inputBytes));
    const taken = openssl().BIO_read(this.#inner, bytes, inputBytes);
    invariant(taken === inputBytes, 'what OpenSSL has not read can be taken back');
    return bytes;
  }

  /**
   * What OpenSSL has to send, which is taken out of the ring, and stays in its memory until the next call of
   * OpenSSL's. Call it until there is none.
   * @returns how many bytes lie at {@link outputAddress}; 0 for none
   */
  takeOutput(): number {
    return Math.max(0, openssl().BIO_nread(this.#outer, this.#place, OUT_BYTES));
  }

  get outputAddress(): Address {
    return (this.#place[0] as number) + (this.#place[1] as number) * 0x1_0000_0000;
  }
}

/** Memory that all connections of a thread decrypt from and encrypt into, one after the other. */
export class TlsRoom {
  readonly ring = new CipherRing();
  /** What is read from sockets. */
  readonly cipher: Buffer = Buffer.from(new ArrayBuffer(64 * 1024));
  readonly cipherAddress = Number(addressOf(this.cipher));
  /** What was decrypted. */
  readonly plain: Buffer;
  readonly plainAddress: number;
  #isRead = false;

  /** @param plain what is decrypted is put here, from its first byte on. 32 KiB or more; keeps its place */
  constructor(plain: Buffer) {
    this.plain = plain;
    this.plainAddress = Number(addressOf(plain));
  }

  /** Whether somebody is reading what was decrypted: nothing else may be put there. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Gives a host what was decrypted. @returns whether to read on */
  give(count: number, host: ByteLinkHost): boolean {
    this.#isRead = true;
    try {
      return host.received(this.plain.subarray(0, count));
    } finally {
      this.#isRead = false;
    }
  }
}
