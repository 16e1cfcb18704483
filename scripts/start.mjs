/**
 * `npm start`: serves the example site on a free port. `npm start -- <dir> [options]` serves a directory of
 * the user's; what follows goes to `iolite serve`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { setup } from './setup.mjs';

const pathOf = relative => fileURLToPath(new URL(relative, import.meta.url));

setup();
await build();

const given = process.argv.slice(2);
const hasFolder = given[0] !== undefined && !given[0].startsWith('-');
if (!hasFolder) {
  const { status } = spawnSync(process.execPath, [pathOf('make-site.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
// npm changes to the project's folder: a relative path is meant from where the user typed it.
const folder = hasFolder ? resolve(process.env.INIT_CWD ?? '.', given[0]) : pathOf('../examples/site');
const options = hasFolder ? given.slice(1) : given;
const hasPort = options.some(option => /^(-p|--port(=|$))/.test(option));
const child = spawn(
  process.execPath,
  [
    pathOf('../dist/cli/main.js'),
    'serve',
    folder,
    '--inspect',
    ...(hasPort ? [] : ['--port', '0']),
    ...options,
  ],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // From a terminal the whole process group has had SIGINT already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code);
  for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each);
  process.kill(process.pid, signal);
});
