import { ArgumentError, checkOptionNames, describe, optionNames } from '../../../../base/error.ts';

/** Who asks an object store. */
export interface S3Credentials {
  /** The public name of the key. */
  readonly accessKeyId: string;
  /** The key itself, which never leaves this process. */
  readonly secretAccessKey: string;
  /** Of a key that holds for a while. */
  readonly sessionToken?: string | undefined;
  /** When they are to be asked for again. */
  readonly expiration?: Date | undefined;
}

/** How an object store is asked. What is not said is as the tools of AWS have it in their environment. */
export interface S3Options {
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1. */
  readonly region?: string | undefined;
  /** Its URL, where it is not Amazon's. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL. */
  readonly endpoint?: string | URL | undefined;
  /** Whether the bucket is named in the path, not in the host. Default: where it is not Amazon's. */
  readonly pathStyle?: boolean | undefined;
  /**
   * Or what gives them, as providers of the AWS SDK do, asked again when they expire. Default:
   * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
   */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
  /** What is meant by a path that ends in a slash. Default 'index.html'. */
  readonly index?: string | undefined;
}

/** An object store as it is asked. */
export interface S3Place {
  readonly region: string;
  /** Scheme, host and port. */
  readonly url: string;
  /** What all paths begin with, encoded, without a slash at the end. */
  readonly start: string;
  readonly credentials: S3Credentials | (() => Promise<S3Credentials>);
  readonly index: string;
}

const NAMES = optionNames<S3Options>({
  region: true,
  endpoint: true,
  pathStyle: true,
  credentials: true,
  index: true,
});
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i;

/** @param url s3://bucket, and what all keys begin with @throws ERR_IOLITE_ARGUMENT */
export function s3PlaceOf(url: URL, options: S3Options = {}, env = process.env): S3Place {
  checkOptionNames(options, NAMES, 'use origin');
  const bucket = url.host;
  if (!BUCKET.test(bucket) || url.search !== '' || url.hash !== '')
    throw new ArgumentError(
      `Cannot use origin: s3://bucket/prefix is wanted, ${describe(url.href)} was given`,
    );
  const { region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1', index = 'index.html' } = options;
  const given = options.endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  // A certificate for one name below that of the store is not for two.
  const { pathStyle = given !== undefined || bucket.includes('.') } = options;
  const endpoint = endpointOf(given ?? `https://s3.${region}.amazonaws.com`);
  const host = pathStyle ? endpoint.host : `${bucket}.${endpoint.host}`;
  const prefix = url.pathname.replace(/^\/|\/$/g, '');
  const parts = [...(pathStyle ? [bucket] : []), ...(prefix === '' ? [] : [encodedKey(prefix) ?? ''])];
  const start = endpoint.pathname.replace(/\/$/, '') + parts.map(part => `/${part}`).join('');
  return {
    region,
    url: `${endpoint.protocol}//${host}`,
    start,
    credentials: credentialsOf(options, env),
    index,
  };
}

/** A key as it is signed and sent. @param path of a URL @returns undefined for what is none */
export function encodedKey(path: string): string | undefined {
  try {
    return path
      .split('/')
      .map(part => encodeURIComponent(decodeURIComponent(part)).replace(/[!'()*]/g, escaped))
      .join('/');
  } catch {
    return undefined;
  }
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function endpointOf(given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.username === '')
    return url;
  throw new ArgumentError(
    `Cannot use origin: a URL of http or https is wanted as endpoint, ${describe(given)} was given`,
  );
}

function credentialsOf({ credentials }: S3Options, env: NodeJS.ProcessEnv): S3Place['credentials'] {
  if (typeof credentials === 'function') return credentials;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials ?? {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  };
  if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string')
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  throw new ArgumentError(
    'Cannot use origin: credentials are wanted, by options or as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  );
}
