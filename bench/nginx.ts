import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Installs Debian packages whose programs are not there. */
export function need(...programs: readonly (readonly [program: string, name: string])[]): void {
  const missing = programs.filter(([program]) => spawnSync('which', [program]).status !== 0);
  if (missing.length === 0) return;
  // A policy of 101 keeps Debian from starting the service that comes with a package.
  const policy = '/usr/sbin/policy-rc.d';
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const install = ['install', '-y', '--no-install-recommends', ...missing.map(([, name]) => name)];
  spawnSync('apt-get', ['update'], { stdio: 'inherit' });
  const { status } = spawnSync('apt-get', install, { stdio: 'inherit' });
  if (isOurs) rmSync(policy);
  if (status !== 0) throw new Error('nginx and wrk could not be installed (apt-get needs root)');
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts nginx with one worker, as fast as it serves files: sendfile, open files cached, no log. */
export async function startNginx(
  folder: string,
  root: string,
): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const prefix = join(folder, 'nginx');
  mkdirSync(prefix);
  // Its worker runs as nobody.
  chmodSync(folder, 0o755);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${prefix}/${name};`,
  );
  const config = `
    worker_processes 1; daemon off; pid ${prefix}/pid; error_log ${prefix}/error.log;
    events { worker_connections 4096; }
    http {
      ${paths.join(' ')}
      types { application/octet-stream bin; }
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
      open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;
      server { listen 127.0.0.1:${port} backlog=511; root ${root}; }
    }`;
  writeFileSync(join(prefix, 'nginx.conf'), config);
  const child = spawn('nginx', ['-p', prefix, '-c', join(prefix, 'nginx.conf')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return { child, port };
}
