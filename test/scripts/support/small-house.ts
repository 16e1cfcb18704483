import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Folder } from '../../support/folder.ts';

/** A project of a few files for the checks of the structure. Gone when disposed of. */
export class SmallHouse extends Folder {
  /** @param files contents by path */
  constructor(files: Readonly<Record<string, string>>) {
    super();
    this.write({
      '.editorconfig': 'root = true\n\n[*]\nmax_line_length = 60\n',
      'package.json': '{ "dependencies": { "koffi": "1", "ms": "1" } }\n',
      ...files,
    });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.file(path)), { recursive: true });
      writeFileSync(this.file(path), content);
    }
  }

  /** Runs a check on it, as its users do. @returns the exit code, and the lines on stderr */
  check(script: URL): { readonly code: number | null; readonly breaches: readonly string[] } {
    const run = spawnSync(process.execPath, [fileURLToPath(script), this.path], { encoding: 'utf8' });
    return { code: run.status, breaches: run.stderr.split('\n').filter(line => line !== '') };
  }
}
