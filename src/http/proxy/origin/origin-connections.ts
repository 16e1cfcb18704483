import type { buildConnector, Dispatcher, Pool } from 'undici';

/**
 * Connections to an origin, by undici: loaded with the first origin, for it takes longer to load than all of
 * iolite, and most programs have no proxy.
 */
export class OriginConnections {
  readonly #loading: Promise<Pool>;
  #pool: Pool | undefined;

  /** @param connectTimeout in milliseconds */
  constructor(origin: string, connectTimeout: number) {
    this.#loading = this.#load(origin, connectTimeout);
    // Whoever asks is told.
    this.#loading.catch(() => {});
  }

  /** As a Dispatcher's, once there is one. */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    if (this.#pool !== undefined) {
      this.#pool.dispatch(request, handler);
      return;
    }
    this.#loading.then(
      pool => pool.dispatch(request, handler),
      // There is no request that a controller could control.
      error => handler.onResponseError?.(undefined as never, error),
    );
  }

  /** Ends them; what is under way fails. */
  async destroy(): Promise<void> {
    const pool = await this.#loading;
    await pool.destroy();
  }

  async #load(origin: string, connectTimeout: number): Promise<Pool> {
    const { Pool: Connections } = await import('undici');
    // How many there are, the places bound; how long they take, whoever knows what they are for.
    this.#pool = new Connections(origin, {
      connect: { timeout: connectTimeout, allowHalfOpen: true } as buildConnector.BuildOptions,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return this.#pool;
  }
}
