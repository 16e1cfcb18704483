import { once } from 'node:events';
import { connect } from 'node:net';
import { ignore } from '../../base/ignore.ts';
import { AppProcesses } from '../../http/app/server-side/app-processes.ts';
import { type FastCgiAddress, fastCgiAddressOf } from '../../http/fastcgi/fastcgi-options.ts';
import { UserError } from '../user-error.ts';
import type { AppConfig } from './content-plan.ts';
import { planOf } from './serve-plan.ts';
import type { ServeConfig } from './settings/settings-schema.ts';

const CONNECT_MS = 5000;

/**
 * Checks settings and what they refer to, as a start would: files, certificates, and that applications start,
 * in a process each. Nothing is served.
 * @throws UserError with all that is wrong
 */
export async function checkSettings(config: ServeConfig): Promise<void> {
  const { apps, responders, warnings } = await planOf(config);
  const troubles = await Promise.all([
    ...apps.map(({ options }) => troubleOf(options)),
    ...responders.map(unreachable),
  ]);
  const [first, ...more] = [...warnings, ...troubles.filter(each => each !== undefined)];
  if (first !== undefined) throw new UserError(first, ...more);
}

/** Why a FastCGI responder cannot be reached; undefined when it can. */
async function unreachable(responder: string): Promise<string | undefined> {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such socket',
    ECONNREFUSED: 'nobody listens there',
    EACCES: 'there is no permission to connect',
  };
  const socket = connect(fastCgiAddressOf(responder) as FastCgiAddress);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return undefined;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return `the FastCGI responder ${responder} cannot be reached: ${reasons[code] ?? message}`;
  } finally {
    socket.on('error', ignore).destroy();
  }
}

/** Why an application does not start; undefined when it does. */
async function troubleOf(options: AppConfig): Promise<string | undefined> {
  const app = new AppProcesses({ ...options, workers: 1 });
  let trouble: string | undefined;
  app.once('failing', ({ message }) => {
    trouble = `the application does not start. ${message}`;
  });
  await app.start();
  await app.close();
  return trouble;
}
