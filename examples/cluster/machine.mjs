import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A "machine": `iolite serve` with workers of its own, in front of the origin, in a cluster. */
export class Machine {
  name;
  port = 0;
  /** Of its inspector. */
  inspector = '';
  #child;
  #end;

  /** @param settings as in a file of settings, in addition to what each machine has here */
  static async start(name, folder, settings) {
    const machine = new Machine();
    machine.name = name;
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ port: 0, inspect: '127.0.0.1:0', ...settings }, undefined, 2));
    // A process group of its own: a machine that loses its power loses all its processes.
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    machine.#child = child;
    machine.#end = new Promise(resolve => child.once('exit', resolve));
    await machine.#serving();
    return machine;
  }

  /** Ends it as a power cut does. */
  async kill() {
    signal(-this.#child.pid, 'SIGKILL');
    await this.#end;
  }

  /** Ends it as an administrator does. */
  async close() {
    signal(this.#child.pid, 'SIGTERM');
    await this.#end;
  }

  /** MiB of memory of all its processes, each page that they share counted once. */
  memory() {
    let kib = 0;
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        const group = Number(/\) \S+ \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
        if (group !== this.#child.pid) continue;
        kib += Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      } catch {
        // It has ended meanwhile.
      }
    }
    return kib / 1024;
  }

  #serving() {
    return new Promise((resolve, reject) => {
      const said = [];
      const hear = line => {
        said.push(line);
        this.inspector = /^Inspector: (\S+)/.exec(line)?.[1] ?? this.inspector;
        const port = /^Serving .* at http:\/\/[^:]+:(\d+)\//.exec(line)?.[1];
        if (port === undefined) return;
        this.port = Number(port);
        resolve();
      };
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        createInterface({ input: stream }).on('line', hear);
      }
      void this.#end.then(() => reject(new Error(`Machine ${this.name} ended:\n${said.join('\n')}`)));
    });
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
