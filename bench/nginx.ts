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

/** Whom a cache in front asks. */
export interface CachedOrigin {
  readonly port: number;
  /** How many responses it is to keep, and their bytes. */
  readonly responses: number;
  readonly bytes: number;
}

/** Starts nginx with one worker as a server whose responses may be kept for an hour. */
export function startOrigin(folder: string, root: string): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, 'origin'),
    port => `
      sendfile on;
      server {
        listen 127.0.0.1:${port} backlog=511; root ${root};
        add_header Cache-Control max-age=3600;
      }`,
  );
}

/** Starts nginx with one worker that keeps what another server answers, all of it in files it has open. */
export function startCachingProxy(
  folder: string,
  { port: origin, responses, bytes }: CachedOrigin,
): Promise<{ child: ChildProcess; port: number }> {
  const prefix = join(folder, 'cache');
  return start(
    prefix,
    port => `
      sendfile on; proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 256k;
      open_file_cache max=${responses + 64} inactive=1h; open_file_cache_valid 1h;
      proxy_cache_path ${prefix}/kept levels=1:2 keys_zone=kept:64m max_size=${2 * bytes} inactive=1h;
      upstream origin { server 127.0.0.1:${origin}; keepalive 64; keepalive_requests 1000000000; }
      server {
        listen 127.0.0.1:${port} backlog=511;
        location / {
          proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_cache kept; proxy_cache_valid 200 1h; proxy_cache_lock on;
        }
      }`,
  );
}

/** Starts Varnish on one processor, as the others have one worker. @returns once it is told to listen */
export async function startVarnish(
  folder: string,
  { port: origin, bytes }: CachedOrigin,
): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const store = `malloc,${Math.ceil(2 * bytes + 2 ** 26)}b`;
  const where = ['-a', `127.0.0.1:${port}`, '-b', `127.0.0.1:${origin}`, '-n', join(folder, 'varnish')];
  // Kept connections stay with their threads.
  const threads = ['-p', 'thread_pools=1', '-p', 'thread_pool_min=100', '-p', 'timeout_idle=600'];
  const args = ['-c', '1', 'varnishd', '-F', ...where, '-s', store, '-t', '3600', ...threads];
  const child = spawn('taskset', args, { stdio: 'ignore', detached: true });
  return { child, port };
}

export interface NginxOptions {
  /** How many files it keeps open. */
  readonly openFiles?: number;
  /** How many connections it has at most, from clients and to servers. */
  readonly connections?: number;
  /** A command that its own is appended to. */
  readonly before?: readonly string[];
  /** The address at which it listens. */
  readonly host?: string;
  /** Whether it sends files by reference to the page cache, as sendfile(2) does, or copies them. */
  readonly sendfile?: boolean;
}

/** Starts nginx with one worker, as fast as it serves files: sendfile, open files cached, no log. */
export function startNginx(
  folder: string,
  root: string,
  { openFiles = 1000, host = '127.0.0.1', sendfile = true, ...options }: NginxOptions = {},
): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, sendfile ? 'nginx' : 'copying-nginx'),
    port => `
      types { application/octet-stream bin; }
      ${sendfile ? 'sendfile on' : 'sendfile off; output_buffers 2 256k'}; tcp_nopush on;
      open_file_cache max=${openFiles} inactive=1h; open_file_cache_valid 1h;
      server { listen ${host}:${port} backlog=511; root ${root}; }`,
    options,
  );
}

/** As {@link startNginx}, over TLS: HTTP/1.1 and HTTP/2, sessions by tickets and by its cache. */
export function startSecureNginx(
  folder: string,
  root: string,
  { cert, key }: { readonly cert: string; readonly key: string },
): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, 'secure-nginx'),
    port => `
      types { application/octet-stream bin; }
      sendfile on; tcp_nopush on; http2_max_concurrent_streams 128;
      open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;
      server {
        listen 127.0.0.1:${port} ssl http2 backlog=511; root ${root};
        ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:sessions:10m; ssl_session_tickets on;
      }`,
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

/**
 * As {@link startTunedProxy}, for bodies of up to 64 MiB of requests.
 * @param whole whether it takes all of a body before it passes it on; in memory then
 */
export function startUploadProxy(
  folder: string,
  socket: string,
  whole: boolean,
): Promise<{ child: ChildProcess; port: number }> {
  return start(
    join(folder, whole ? 'whole-uploads' : 'passed-uploads'),
    port => `
      upstream app { server unix:${socket}; keepalive 64; keepalive_requests 1000000000; }
      server {
        listen 127.0.0.1:${port} backlog=511;
        client_max_body_size 64m; client_body_buffer_size ${whole ? '17m' : '1m'};
        location / {
          proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_request_buffering ${whole ? 'on' : 'off'};
        }
      }`,
  );
}

async function start(
  prefix: string,
  rest: (port: number) => string,
  { connections = 4096, before = [] }: Pick<NginxOptions, 'connections' | 'before'> = {},
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
