import { now } from '../../base/clock.ts';
import type { StoreListener } from '../../store/store-listener.ts';
import type { StoredVersion } from '../../store/stored-version.ts';

/** Versions that are remembered: who looks wants those of the last minutes. */
const MAX_VERSIONS = 1000;

/** A version of a content that the store no longer has. */
export interface LeftVersion {
  readonly key: string;
  readonly serial: number;
  readonly etag: string;
  readonly size: number;
  /** By the machine's clock: see {@link now}. */
  readonly leftAt: number;
  /** How many in this process hold it still. */
  readonly holders: number;
}

interface Remembered extends Omit<LeftVersion, 'holders'> {
  /** Held weakly: to remember a version is not to hold it. */
  readonly held: WeakRef<StoredVersion>;
}

/** The last versions that have left a store, from the first look at it on. Costs a small object for each. */
export class LeftVersions implements StoreListener {
  readonly #versions: Remembered[] = [];

  left(held: StoredVersion, stays: boolean): void {
    const { etag } = held.facts;
    if (stays || typeof etag !== 'string') return;
    const { key, serial, size } = held;
    this.#versions.push({ key, serial, etag, size, leftAt: now(), held: new WeakRef(held) });
    if (this.#versions.length > MAX_VERSIONS) this.#versions.splice(0, MAX_VERSIONS / 2);
  }

  /** Those of a path, the last first. */
  of(key: string): LeftVersion[] {
    return this.#versions
      .filter(version => version.key === key)
      .map(({ held, ...version }) => ({ ...version, holders: held.deref()?.references ?? 0 }))
      .reverse();
  }
}
