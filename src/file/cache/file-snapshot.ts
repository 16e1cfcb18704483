import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { SERIAL_OF_UNKEPT_VERSIONS, type StoredVersion } from '../../store/stored-version.ts';
import { VersionContent } from '../../store/version-content.ts';
import type { Coding } from '../content/coding.ts';
import { ExtentReader, type ExtentSource } from './extents.ts';
import type { Snapshot } from './file-cache.ts';
import type { FileFacts } from './file-entry.ts';

const NO_CODINGS: readonly Coding[] = [];

/**
 * One version of a file: a holder of what the cache holds. Made for each read, so that making one costs
 * little.
 */
export class FileSnapshot implements Snapshot {
  readonly #held: StoredVersion<FileFacts>;
  readonly #source: ExtentSource;
  readonly #coding: Coding | undefined;
  readonly #passing: boolean;
  /** See {@link Snapshot.way}. */
  readonly way: number;
  /** Made when first asked for. */
  #content: Aggregate | undefined;
  #extents: ExtentReader | undefined;
  #released = false;

  /**
   * @param held whose reference it takes over
   * @param source of the extents of a large file
   * @param from `coding`: of the form that it is of; `way`: see {@link Snapshot.way}; `passing`: whether
   *   nothing is to be kept of it
   */
  constructor(
    held: StoredVersion<FileFacts>,
    source: ExtentSource,
    {
      coding,
      way = 0,
      passing = false,
    }: { coding?: Coding; way?: number | undefined; passing?: boolean | undefined } = {},
  ) {
    this.#held = held;
    this.#source = source;
    this.#coding = coding;
    this.way = way;
    this.#passing = passing;
  }

  get version(): object | undefined {
    if (this.#passing) return undefined;
    // What was read here has facts that stay, and content that does not.
    return this.#held.serial === SERIAL_OF_UNKEPT_VERSIONS ? this.#held.facts : this.#held;
  }

  get realPath(): string {
    return this.#held.key;
  }

  get content(): Aggregate | undefined {
    if (this.#content === undefined) this.#content = this.#shared();
    return this.#content;
  }

  get size(): number {
    if (this.#coding === undefined) return this.#held.facts.size;
    return this.#form()?.length ?? 0;
  }

  get mtimeMs(): number {
    return this.#held.facts.mtimeMs;
  }

  get etag(): string {
    const { etag, formTags } = this.#held.facts;
    return this.#coding === undefined ? etag : (formTags?.[this.#coding] as string);
  }

  get mediaType(): string {
    return this.#held.facts.mediaType;
  }

  get codings(): readonly Coding[] {
    const { forms } = this.#held;
    if (forms.size === 0 || this.#coding !== undefined) return NO_CODINGS;
    return [...forms.keys()] as Coding[];
  }

  async read(
    start = 0,
    end = this.size,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Aggregate> {
    options.signal?.throwIfAborted();
    if (this.#hasContent) {
      using content = this.#shared() as Aggregate;
      using part = content.slice(start, end);
      return new VersionContent(this.#held, part);
    }
    this.#extents ??= new ExtentReader(this.#held, this.#source);
    this.#held.retain();
    try {
      return await this.#extents.read(start, end, options.signal);
    } finally {
      this.#held.release();
    }
  }

  share(): Aggregate | undefined {
    return this.#hasContent ? new VersionContent(this.#held, this.#form()) : undefined;
  }

  encoded(coding: Coding): Snapshot | undefined {
    if (this.#released) throw released();
    if (this.#coding !== undefined || !this.#held.forms.has(coding)) return undefined;
    return new FileSnapshot(this.#held.retain(), this.#source, { coding, way: this.way });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#content !== undefined && !this.#content.released) this.#content.release();
    this.#held.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Whether there is something in memory. */
  get #hasContent(): boolean {
    return this.#form() !== undefined || this.#held.hasContent;
  }

  /** An aggregate of its content, which is the caller's. */
  #shared(): Aggregate | undefined {
    return this.#form()?.duplicate() ?? this.#held.shareContent();
  }

  /** Of a form the cache's own aggregate: to be shared, never changed or given out. */
  #form(): Aggregate | undefined {
    if (this.#released) throw released();
    return this.#coding === undefined ? undefined : this.#held.forms.get(this.#coding);
  }
}

function released(): IoliteError {
  return new IoliteError('ERR_IOLITE_RELEASED', 'Cannot use snapshot: it was released');
}
