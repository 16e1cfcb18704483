import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../support/root.ts';

/** How a command ended, and what it wrote. */
export interface Outcome {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is started. */
interface CommandOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command to its end, whatever that is, without what is in our environment for tests. */
export function run(command: string, args: readonly string[], options: CommandOptions): Promise<Outcome> {
  const { NODE_TEST_CONTEXT: _context, IOLITE_CHECK: _check, NODE_OPTIONS: _options, ...env } = process.env;
  return new Promise(resolve => {
    execFile(
      command,
      args,
      { ...options, env: { ...env, ...options.env }, maxBuffer: 64 * 1024 ** 2, timeout: 240_000 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    );
  });
}

/** What npm says where it has no registry, or one that lacks a package. */
const UNREACHABLE =
  /E404|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|ERR_SOCKET_TIMEOUT/;

/**
 * An empty project into which the package is installed as users get it: from its tarball, without any script
 * that packages want to run. Gone when disposed of.
 */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'iolite-field-'));
  /** Why something could not be downloaded: what needs it cannot be tried. */
  unreachable: string | undefined;

  constructor(manifest: object = { type: 'module' }) {
    this.write(
      'package.json',
      JSON.stringify({ private: true, name: 'field', version: '1.0.0', ...manifest }),
    );
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text);
    return this.file(name);
  }

  remove(name: string): void {
    rmSync(this.file(name), { force: true });
  }

  /** Installs packages with npm. @throws Error where that fails and the registry is there */
  async install(packages: readonly string[], options: readonly string[] = []): Promise<void> {
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
    const { code, stdout, stderr } = await run('npm', ['install', ...quiet, ...options, ...packages], {
      cwd: this.folder,
    });
    if (code === 0) return;
    if (!UNREACHABLE.test(stderr)) throw new Error(`npm install failed: ${stderr}${stdout}`);
    this.unreachable = `cannot be downloaded: ${packages.join(', ')}`;
  }

  node(args: readonly string[], program = process.execPath): Promise<Outcome> {
    return run(program, args, { cwd: this.folder });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Packs the project, as it is built. @returns the tarball's path, in the folder */
export function pack(folder: string): string {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  return join(folder, JSON.parse(stdout)[0].filename);
}

/** The version that the project itself has of a package, to be installed elsewhere. */
export function ownVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));
  return `${name}@${version}`;
}
