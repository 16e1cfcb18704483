import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { SignatureV4 } from '@smithy/signature-v4';
import { IoliteError } from '../../../../base/error.ts';
import type { HeaderList } from '../../../message/header-list.ts';
import type { S3Credentials, S3Place } from './s3-options.ts';

/** Of no content. */
const EMPTY_SHA256 = createHash('sha256').digest('hex');

type Bytes = string | Uint8Array | ArrayBuffer | ArrayBufferView;

/** As the signer takes it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: Bytes) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array);
  }

  update(bytes: Bytes): void {
    this.#hash.update(bytes as Uint8Array);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

/** Signs requests to an object store (Signature Version 4), by a package that is loaded when it is needed. */
export class S3Signer {
  readonly #place: S3Place;
  #signer: Promise<SignatureV4> | undefined;
  /** By how much the store's clock is ahead of this one's, in milliseconds. */
  #skewMs = 0;

  constructor(place: S3Place) {
    this.#place = place;
  }

  /** What time the store says it is. */
  learn(storeTime: number): void {
    this.#skewMs = storeTime - Date.now();
  }

  /**
   * The fields that a request is sent with to be believed.
   * @param path encoded
   * @throws ERR_IOLITE_UNSUPPORTED where the package is not installed; what the credentials' provider throws
   */
  async sign(method: string, path: string): Promise<HeaderList> {
    this.#signer ??= this.#load();
    const signer = await this.#signer;
    const { protocol, hostname, host } = new URL(this.#place.url);
    const asked = { host, 'x-amz-content-sha256': EMPTY_SHA256 };
    const signed = await signer.sign(
      { method, protocol, hostname, path, headers: asked },
      { signingDate: new Date(Date.now() + this.#skewMs) },
    );
    return Object.entries(signed.headers).flat();
  }

  async #load(): Promise<SignatureV4> {
    const { SignatureV4 } = await import('@smithy/signature-v4').catch(cause => {
      this.#signer = undefined;
      const problem = 'Cannot ask object store: the package @smithy/signature-v4 is to be installed';
      throw new IoliteError('ERR_IOLITE_UNSUPPORTED', problem, { cause });
    });
    const { region, credentials } = this.#place;
    const given = typeof credentials === 'function' ? kept(credentials) : credentials;
    return new SignatureV4({
      service: 's3',
      region,
      credentials: given as never,
      sha256: Sha256 as never,
      uriEscapePath: false,
      applyChecksum: false,
    });
  }
}

/** Before they expire they are asked for again. */
const EARLY_MS = 60_000;

function kept(ask: () => Promise<S3Credentials>): () => Promise<S3Credentials> {
  let known: S3Credentials | undefined;
  return async () => {
    const { expiration } = known ?? {};
    if (known === undefined || (expiration !== undefined && expiration.getTime() - EARLY_MS < Date.now()))
      known = await ask();
    return known;
  };
}
