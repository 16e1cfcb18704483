import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../support/root.ts';

const run = promisify(execFile);

/** A project that has installed the package as it is packed. */
export interface PackedProject {
  readonly path: string;
  /** Where the package lies. */
  readonly package: string;
  remove(): void;
}

/**
 * Packs what was built, and unpacks it where programs find it by its name. Its dependencies are those of the
 * checkout, so the folder has to lie within that.
 */
export async function unpackInto(folder: string): Promise<PackedProject> {
  const path = mkdtempSync(join(folder, 'project-'));
  const target = join(path, 'node_modules', 'iolite');
  mkdirSync(target, { recursive: true });
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', path], { cwd: ROOT });
  const [tarball = ''] = readdirSync(path).filter(name => name.endsWith('.tgz'));
  await run('tar', ['-xzf', join(path, tarball), '-C', target, '--strip-components=1']);
  return { path, package: target, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The blocks of a page that are programs in JavaScript. */
export function programsOf(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
}
