import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for a test, gone when disposed of. */
export class Folder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'iolite-test-')));

  /** The path of a name inside. */
  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
