import { HttpOrigin, type OriginLimits } from './http-origin.ts';
import type { Origin } from './origin.ts';
import type { S3Options } from './s3/s3-options.ts';
import { S3Origin } from './s3/s3-origin.ts';

/** Bounds on an origin, and how it is asked where it is an object store. */
export interface ProxyOriginOptions extends OriginLimits {
  /** Of an origin `s3://bucket/prefix`: how the object store is asked. Default: as the environment says. */
  readonly s3?: S3Options | undefined;
}

/**
 * The origin at a URL, by its scheme: http, https, and s3 for a bucket of an object store.
 * @throws ERR_IOLITE_ARGUMENT for what no origin is at
 */
export function createOrigin(url: string | URL, { s3, ...limits }: ProxyOriginOptions): Origin {
  const isBucket = /^s3:/i.test(String(url)) && URL.canParse(String(url));
  return isBucket ? new S3Origin(new URL(String(url)), s3, limits) : new HttpOrigin(url, limits);
}
