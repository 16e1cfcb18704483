import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Folder } from '../../../support/folder.ts';

/** What a machine shows in /proc and where cgroups are mounted, laid out in a folder. */
export class Machine implements Disposable {
  readonly #folder = new Folder();

  /** @param files what each says, by its path */
  constructor(files: Readonly<Record<string, string | number>> = {}) {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  get root(): string {
    return this.#folder.path;
  }

  write(path: string, content: string | number): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${content}\n`);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** A line of /proc/self/mountinfo. */
export function mount(type: 'cgroup' | 'cgroup2', root: string, point: string, options = ''): string {
  return `32 31 0:29 ${root} ${point} rw,relatime shared:9 - ${type} ${type} rw${options && `,${options}`}`;
}
