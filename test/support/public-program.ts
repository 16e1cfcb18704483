import { chmodSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { Folder } from './folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Packages that cannot be bundled, for native code is part of them, or they are asked for as they run. */
const UNBUNDLED = ['koffi', '@koromix', 'mime-db'];
/** For packages in CommonJS, which ask for modules of Node.js. */
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

/** Whether we can start processes of other users. */
export const isRoot = process.getuid?.() === 0;
/** A user who owns nothing. For the options of a process. */
export const NOBODY = { uid: 65_534, gid: 65_534 };
/** Whoever is not root: nobody, or ourselves. */
export const UNPRIVILEGED: Partial<typeof NOBODY> = isRoot ? NOBODY : {};

/**
 * A program of ours where every user can read it, with all that it loads: a clone may lie in a folder that
 * others cannot enter. Plain JavaScript, to be run without a loader. Gone when disposed of.
 */
export class PublicProgram implements Disposable {
  readonly #folder = new Folder();
  readonly url: URL;

  /**
   * @param module a path or file URL; of dist/ if it is ours, for esbuild lowers `using` in loops wrongly
   * @param beside modules that it starts processes with, by their paths in dist/
   */
  constructor(module: string | URL, beside: Readonly<Record<string, string>> = {}) {
    const folder = this.#folder;
    // Two folders down, as modules of dist/ lie that look for package.json.
    const target = folder.file('bundle');
    mkdirSync(target, { recursive: true });
    buildSync({
      entryPoints: { ...beside, 'program/main': module instanceof URL ? fileURLToPath(module) : module },
      outdir: target,
      chunkNames: 'program/[name]-[hash]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['koffi'],
      banner: { js: REQUIRE },
      logLevel: 'warning',
    });
    cpSync(join(ROOT, 'package.json'), folder.file('package.json'));
    for (const name of UNBUNDLED) {
      cpSync(join(ROOT, 'node_modules', name), folder.file(join('node_modules', name)), {
        recursive: true,
        dereference: true,
      });
    }
    makePublic(folder.path);
    this.url = pathToFileURL(join(target, 'program/main.js'));
  }

  get path(): string {
    return fileURLToPath(this.url);
  }

  /** A folder that every user can be in. */
  get folder(): string {
    return this.#folder.path;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** Whatever the umask. */
function makePublic(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makePublic(path);
    else chmodSync(path, 0o644);
  }
}
