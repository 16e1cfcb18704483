import { dirname } from 'node:path';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Audience } from '../../memory/audience.ts';
import type { Target } from '../../store/placement.ts';
import type { ContentRoom } from '../../store/space/content-room.ts';
import type { StoreListener } from '../../store/store-listener.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import { ENCODE_AFTER_HITS, Encoder, isWorthEncoding } from '../content/encodings.ts';
import type { Form } from '../content/form.ts';
import { mayHaveForms } from '../content/media-type.ts';
import { type DatedSize, loadSiblings } from '../content/siblings.ts';
import { loadFile } from '../load/load.ts';
import { type FileEntry, type FileFacts, type FileStore, fileStateOf } from './file-entry.ts';

/** The making of forms of an entry. */
interface FormJob {
  readonly entry: FileEntry;
  readonly controller: AbortController;
}

/**
 * Forms of the files of a store in other codings: those that lie beside them, or else those that are made in
 * the background when a file is read often. They are kept with the version that they are forms of, and go
 * with it.
 */
export class FileForms implements StoreListener {
  readonly #store: FileStore;
  readonly #makes: boolean;
  readonly #audienceOf: (path: string) => Audience;
  readonly #encoder = new Encoder();
  /** Entries of which forms are being made, by path. */
  readonly #making = new Map<string, FormJob>();

  /**
   * @param makes whether forms are made where none lie beside a file
   * @param audienceOf who may see the file at a real path, and so its forms
   */
  constructor(store: FileStore, makes: boolean, audienceOf: (path: string) => Audience) {
    this.#store = store;
    this.#makes = makes;
    this.#audienceOf = audienceOf;
    store.listeners.add(this);
  }

  /**
   * Forms beside a file, for {@link keep}. Links that lead out of its directory are none: who may read one
   * may read all.
   * @param content of the file, which the caller holds
   */
  async beside(
    realPath: string,
    mediaType: string,
    version: DatedSize,
    content: readonly Uint8Array[],
  ): Promise<readonly Form[]> {
    if (!mayHaveForms(mediaType)) return [];
    const root = dirname(realPath);
    return loadSiblings(realPath, version, content, path => readWhole(path, root, version.size));
  }

  /** After how many hits forms of a file without any are made; 0: never. */
  hitsBefore({ mediaType, size }: FileFacts): number {
    return this.#makes && isWorthEncoding(mediaType, size) ? ENCODE_AFTER_HITS : 0;
  }

  /** Keeps forms with a file, as far as there is room. The file may be evicted for it. */
  keep(entry: FileEntry, forms: readonly Form[]): void {
    for (const { coding, parts, etag } of forms) {
      const room = this.#allocate(
        entry.key,
        parts.reduce((sum, { length }) => sum + length, 0),
      );
      if (room === undefined) return;
      copyInto(room, parts);
      const { facts } = entry.held;
      const formTags = { ...facts.formTags, [coding]: etag };
      this.#store.amend(entry, { facts: { ...facts, formTags }, form: { name: coding, room } });
    }
  }

  /** A file was read from memory. */
  hit(entry: FileEntry, times: number): void {
    const local = fileStateOf(entry);
    if (local === undefined || local.hitsBeforeForms === 0) return;
    local.hitsBeforeForms = Math.max(0, local.hitsBeforeForms - times);
    if (local.hitsBeforeForms > 0 || !entry.held.hasContent) return;
    // With too many others waiting, further hits ask again.
    if (!this.#make(entry)) local.hitsBeforeForms = ENCODE_AFTER_HITS;
  }

  left({ key }: StoredVersion): void {
    const making = this.#making.get(key);
    if (making === undefined || this.#store.get(key) === making.entry) return;
    this.#making.delete(key);
    making.controller.abort();
  }

  #allocate(path: string, length: number): ContentRoom | undefined {
    try {
      return this.#store.allocate(length, undefined, this.#audienceOf(path));
    } catch {
      // The system has no descriptor or no memory for another segment: the file does without.
      return undefined;
    }
  }

  #make(entry: FileEntry): boolean {
    const controller = new AbortController();
    const added = this.#encoder.add({
      content: () => entry.held.content ?? Aggregate.empty(),
      keep: forms => {
        this.#making.delete(entry.key);
        this.keep(entry, forms);
      },
      signal: controller.signal,
    });
    if (added) this.#making.set(entry.key, { entry, controller });
    return added;
  }
}

/** Copies parts one behind the other into the pieces of a room that has their length. */
function copyInto({ pieces }: ContentRoom, parts: readonly Buffer[]): void {
  let index = 0;
  let at = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length; ) {
      const { bytes } = pieces[index] as { bytes: Buffer };
      const copied = part.copy(bytes, at, from);
      from += copied;
      at += copied;
      if (at < bytes.length) continue;
      index += 1;
      at = 0;
    }
  }
}

/**
 * Reads a file of no more than `most` bytes into ordinary memory, or only its version. @throws as
 * {@link loadFile}
 */
async function readWhole(
  path: string,
  root: string,
  most: number,
): Promise<{ version: DatedSize; bytes: Buffer }> {
  const memory = (bytes: Buffer): Target => ({ pieces: [{ bytes }], isKept: false, discard: () => {} });
  const { version, target, handle } = await loadFile(path, {
    root,
    largest: most,
    allocate: size => memory(Buffer.allocUnsafeSlow(size)),
    copy: memory,
  });
  await handle?.close();
  return { version, bytes: target?.pieces[0]?.bytes ?? Buffer.alloc(0) };
}
