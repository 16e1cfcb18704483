import type { ServedFile, Stated } from '../message/exchange.ts';
import { isUntouched } from './node-response.ts';
import type { NodeResponse } from './response-way.ts';

/** Sets fields of a response, once it is known which file it is of. */
export type SetHeaders = (response: NodeResponse, path: string, file: ServedFile) => void;

/** Has the application set what it wants to be said of a file, once it is known which. */
export class HeaderSetting {
  /** What that failed with. */
  failure: { readonly error: unknown } | undefined;
  readonly #response: NodeResponse;
  readonly #setHeaders: SetHeaders | undefined;

  constructor(response: NodeResponse, setHeaders: SetHeaders | undefined) {
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
