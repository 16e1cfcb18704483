import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { leadsSession } from '../../../src/os/process/parent-death.ts';
import { watchdog } from '../../support/watchdog.ts';

const MODULE = new URL('../../../src/os/process/parent-death.js', import.meta.url).href;

const CHILD = `
import { signalOnParentDeath, leadsSession } from '${MODULE}';
process.on('SIGTERM', () => { console.log('told'); process.exit(); });
setInterval(() => {}, 1e6);
signalOnParentDeath('SIGTERM', Number(process.argv[1]) || process.ppid);
console.log(leadsSession() ? 'leads' : 'follows');
`;

async function lines(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += part;
  return text;
}

test('a process is told that its parent ends, and at once if it has already', async () => {
  const node = [process.execPath, '--input-type=module', '-e', CHILD];
  const shell = spawn('sh', ['-c', '"$@" & echo; wait', 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = lines(shell.stdout);
  let heard = '';
  shell.stdout.on('data', text => {
    heard += text;
    if (heard.includes('follows')) shell.kill('SIGKILL');
  });
  assert.equal((await watchdog(said, 'the child to be told')).trim(), 'follows\ntold');
  // Another parent than it knows of: the one it knew has gone.
  const late = spawn(node[0] as string, [...node.slice(1), '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  assert.match(await watchdog(lines(late.stdout), 'the late child to be told'), /told/);
});

test('a process that began a session leads it', async () => {
  assert.equal(leadsSession(), false);
  const node = [process.execPath, '--input-type=module', '-e', `${CHILD}; process.exit();`];
  const child = spawn(node[0] as string, node.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const [said] = await Promise.all([lines(child.stdout), once(child, 'close')]);
  assert.equal(said, 'leads\n');
});
