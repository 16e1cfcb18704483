import type { ServerResponse } from 'node:http';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import { isGone } from './node-response.ts';
import type { NodeResponse } from './response-way.ts';

/** So much of a body is copied at a time. */
const PIECE_BYTES = 64 * 1024;

/**
 * Writes to a response whose methods others stand in for. What they are given they may keep, and they call
 * nobody back when they are done with it: they get copies, as fast as write() and 'drain' let them.
 */
export class CopyingWriter implements Disposable {
  readonly #response: NodeResponse;
  #goOn: () => void = () => {};

  constructor(response: NodeResponse) {
    this.#response = response;
    // One listener for all: others may have it put where off() does not find it.
    response.on('drain', this.#moved);
    response.on('close', this.#moved);
  }

  /** @returns when all was taken over, or the client is gone: how many bytes */
  async write(body: Aggregate): Promise<number> {
    const response = this.#response as ServerResponse;
    let taken = 0;
    while (taken < body.length && !isGone(response) && !response.writableEnded) {
      const end = Math.min(taken + PIECE_BYTES, body.length);
      const bytes = Buffer.allocUnsafeSlow(end - taken);
      body.copyTo(bytes, 0, taken, end);
      taken = end;
      const moved = new Promise<void>(resolve => {
        this.#goOn = resolve;
      });
      if (response.write(bytes) === false && !isGone(response)) await moved;
    }
    return taken;
  }

  [Symbol.dispose](): void {
    this.#response.off('drain', this.#moved);
    this.#response.off('close', this.#moved);
  }

  readonly #moved = (): void => this.#goOn();
}
