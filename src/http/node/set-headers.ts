import type { ServedFile, Stated } from '../message/exchange.ts';
import { isUntouched } from './node-response.ts';
import type { NodeResponse } from './response-way.ts';

/** What is known of a file, as far as an fs.Stats says it too, and its path where it is ours. */
export interface SentFile extends Omit<ServedFile, 'path'> {
  /** Where it lies, where it is ours. */
  readonly path?: string;
}

/** Has a field set by who answers, once it is known of which file. */
export interface SetsHeaders<Response> {
  /**
   * Sets fields of a response with a file, before the request's conditions are evaluated and those of the
   * file are set, which do not replace them.
   * @param file its `size`, `mtime` and `mtimeMs`, and `path`: not all of an fs.Stats
   */
  // A method, so that functions written for another framework's response, and for fs.Stats, will do.
  setHeaders?(response: Response & FrameworkMethods, path: string, file: SentFile): unknown;
}

/** What the framework adds to a response, as `set` in Express, where its type cannot be inferred. */
// biome-ignore lint/suspicious/noExplicitAny: the framework knows them.
type FrameworkMethods = Readonly<Record<string, any>>;

type SetHeaders = SetsHeaders<NodeResponse>['setHeaders'];

/** Has the application set what it wants to be said of a file, once it is known which. */
export class HeaderSetting {
  /** What that failed with. */
  failure: { readonly error: unknown } | undefined;
  readonly #response: NodeResponse;
  readonly #setHeaders: SetHeaders;

  constructor(response: NodeResponse, setHeaders: SetHeaders) {
    this.#response = response;
    this.#setHeaders = setHeaders;
  }

  readonly stated = (file: ServedFile): Stated | undefined => {
    const response = this.#response;
    try {
      this.#setHeaders?.(response, file.path, file);
    } catch (error) {
      this.failure = { error };
    }
    if (isUntouched(response)) return undefined;
    const { statusCode } = response;
    return {
      etag: textOf(response.getHeader('ETag')),
      lastModified: textOf(response.getHeader('Last-Modified')),
      isSuccess: (statusCode >= 200 && statusCode < 300) || statusCode === 304,
    };
  };
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
