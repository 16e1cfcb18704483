import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

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

export interface NginxOptions {
  /** How many files it keeps open. */
  readonly openFiles?: number;
  /** How many connections it has at most, from clients and to servers. */
  readonly connections?: number;
  /** A command that its own is appended to. */
  readonly before?: readonly string[];
}

/** Starts nginx with one worker, as fast as it serves files: sendfile, open files cached, no log. */
export function startNginx(
  folder: string,
  root: string,
  { openFiles = 1000, ...options }: NginxOptions = {},
): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, 'nginx'),
    port => `
      types { application/octet-stream bin; }
      sendfile on; tcp_nopush on;
      open_file_cache max=${openFiles} inactive=1h; open_file_cache_valid 1h;
      server { listen 127.0.0.1:${port} backlog=511; root ${root}; }`,
    options,
  );
}

/** Starts nginx with one worker in front of a server at a Unix socket, as a bare `proxy_pass` has it. */
export function startProxy(folder: string, socket: string): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, 'proxy'),
    port =>
      `server { listen 127.0.0.1:${port} backlog=511; location / { proxy_pass http://unix:${socket}; } }`,
  );
}

/**
 * As {@link startProxy}, tuned: connections to the server are kept, there is room for 1 MiB, nothing goes to
 * disk.
 */
export function startTunedProxy(
  folder: string,
  socket: string,
): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, 'tuned-proxy'),
    port => `
      upstream app { server unix:${socket}; keepalive 64; keepalive_requests 1000000000; }
      server {
        listen 127.0.0.1:${port} backlog=511;
        location / {
          proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 512k;
          proxy_max_temp_file_size 0;
        }
      }`,
  );
}

async function start(
  prefix: string,
  rest: (port: number) => string,
  { connections = 4096, before = [] }: Omit<NginxOptions, 'openFiles'> = {},
): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  mkdirSync(prefix);
  // Its worker runs as nobody.
  chmodSync(dirname(prefix), 0o755);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${prefix}/${name};`,
  );
  const config = `
    worker_processes 1; daemon off; pid ${prefix}/pid; error_log ${prefix}/error.log;
    events { worker_connections ${connections}; }
    http {
      ${paths.join(' ')}
      access_log off; keepalive_requests 1000000000;
      ${rest(port)}
    }`;
  writeFileSync(join(prefix, 'nginx.conf'), config);
  const nginx = ['nginx', '-p', prefix, '-c', join(prefix, 'nginx.conf')];
  const [command, ...args] = [...before, ...nginx] as [string, ...string[]];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  return { child, port };
}
