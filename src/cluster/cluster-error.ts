import { IoliteError, type IoliteErrorOptions } from '../base/error.ts';

/** What machines cannot agree on: `ERR_IOLITE_CLUSTER`. */
export class ClusterError extends IoliteError {
  /**
   * 'unknown' when what was asked for may have happened or may yet happen, as nobody answered in time: to
   * ask for it again is harmless. 'none' when nothing happened.
   */
  readonly outcome: 'none' | 'unknown';

  constructor(
    message: string,
    { outcome = 'none', ...options }: IoliteErrorOptions & { readonly outcome?: 'none' | 'unknown' } = {},
  ) {
    super('ERR_IOLITE_CLUSTER', message, options);
    this.outcome = outcome;
  }
}
