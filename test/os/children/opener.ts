/** A child that tries to open what it is told, and says what came of it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Json } from '../../../src/base/json.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { MemoryGauge } from '../../../src/os/container/memory-gauge.ts';

const actions: Record<string, (path: string) => unknown> = {
  read: path => readFileSync(path, 'utf8'),
  list: path => readdirSync(path).sort(),
  write: path => {
    writeFileSync(path, 'new');
    return 'written';
  },
  move: path => {
    renameSync(path, '/tmp/moved');
    return 'moved';
  },
  remove: path => {
    unlinkSync(path);
    return 'removed';
  },
  run: path => {
    const { error } = spawnSync(path, ['-c', 'exit 0']);
    if (error !== undefined) throw error;
    return 'run';
  },
  signal: pid => {
    process.kill(Number(pid), 'SIGWINCH');
    return 'signalled';
  },
  memory: () => [new MemoryGauge().limit(), process.constrainedMemory?.() ?? 0],
  tell: () => ({
    args: process.argv.slice(2),
    variable: process.env.OF_THE_TEST,
    told: Object.keys(process.env).filter(name => /^IOLITE_(CHANNEL|CONFINEMENT)$/.test(name)),
  }),
};

const channel = parentChannel();
channel.once('close', () => process.exit(0));
channel.onRequest(({ head }) => {
  const { action, path } = head as { action: string; path: string };
  try {
    return { head: actions[action]?.(path) as Json };
  } catch (error) {
    return { head: (error as NodeJS.ErrnoException).code ?? 'no code' };
  }
});
