import type { Slice } from '../../aggregate/slice.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { StoredVersion } from '../../store/stored-version.ts';
import type { FileEntry, FileFacts } from './file-entry.ts';

/** Whose files are used. */
export interface KeptFileUser {
  /** Counts a use of a file that is kept. @returns false if the disk is to be looked at first */
  use(entry: FileEntry): boolean;
}

/** A file of a cache as it was found: to be given again while it is kept, right, and in the same memory. */
export class RepeatableFile implements Repeatable {
  readonly #entry: FileEntry;
  readonly #held: StoredVersion<FileFacts>;
  readonly #user: KeptFileUser;

  constructor(entry: FileEntry, user: KeptFileUser) {
    this.#entry = entry;
    this.#held = entry.held;
    this.#user = user;
  }

  get slice(): Slice | undefined {
    return this.#held.slice;
  }

  mayRepeat(): boolean {
    const entry = this.#entry;
    // Another form of it, or another place: then it has another version object.
    return entry.isKept && entry.held === this.#held && this.#user.use(entry);
  }
}
