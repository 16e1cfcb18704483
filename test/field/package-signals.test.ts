import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { get } from 'node:http';
import { after, before, test } from 'node:test';
import { watchdog } from '../support/watchdog.ts';
import { Installation, pack } from './support/installation.ts';

const project = new Installation({
  type: 'module',
  scripts: { start: 'iolite serve public --port 0 --workers 1 --app app.mjs' },
});
after(() => project[Symbol.dispose]());
before(async () => {
  mkdirSync(project.file('public'));
  project.write('public/index.html', 'x');
  // It answers when the file `answer` is there.
  project.write(
    'app.mjs',
    `import { existsSync, watch } from 'node:fs';
     export default async () => {
       const watcher = watch('.');
       console.log('asked');
       while (!existsSync('answer')) await new Promise(resolve => watcher.once('change', resolve));
       watcher.close();
       return { body: 'whole answer' };
     };`,
  );
  await project.install([pack(project.folder)]);
});

/** What a command says until something matches. */
function said(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = '';
  const heard = new Promise<RegExpExecArray>(resolve => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', part => {
        text += part;
        const found = pattern.exec(text);
        if (found !== null) resolve(found);
      });
    }
  });
  return watchdog(heard, `${pattern}`, 60_000);
}

for (const command of [
  ['npx', 'iolite', 'serve', 'public', '--port', '0', '--workers', '1', '--app', 'app.mjs'],
  ['npm', 'exec', '--', 'iolite', 'serve', 'public', '--port', '0', '--workers', '1', '--app', 'app.mjs'],
  ['npm', 'start'],
]) {
  const named = command.slice(0, 2).join(' ');
  test(`${named}: SIGTERM ends the server, which finishes its answers`, async context => {
    if (project.unreachable !== undefined) return context.skip(project.unreachable);
    project.remove('answer');
    const { NODE_TEST_CONTEXT: _context, IOLITE_CHECK: _check, ...env } = process.env;
    const [program = '', ...args] = command;
    const npm = spawn(program, args, { cwd: project.folder, env, detached: true });
    const closed = new Promise(resolve => npm.stdout.once('close', resolve));
    try {
      const [, port] = await said(npm, /Serving .*:(\d+)\//);
      const asked = said(npm, /asked/);
      const answer = new Promise<string>((resolve, reject) => {
        get(`http://127.0.0.1:${port}/dynamic`, async response => {
          let text = '';
          for await (const part of response.setEncoding('utf8')) text += part;
          resolve(text);
        }).on('error', reject);
      });
      await asked;
      npm.kill('SIGTERM');
      project.write('answer', '');
      assert.equal(await watchdog(answer, 'the answer under way', 40_000), 'whole answer');
      // The output closes when no process has it any more.
      await watchdog(closed, 'the server to end', 40_000);
    } finally {
      try {
        process.kill(-(npm.pid as number), 'SIGKILL');
      } catch {
        // Nobody is left.
      }
    }
  });
}
