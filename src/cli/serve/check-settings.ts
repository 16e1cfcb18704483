import { AppProcesses } from '../../http/app/server-side/app-processes.ts';
import { UserError } from '../user-error.ts';
import type { AppConfig } from './content-plan.ts';
import { planOf } from './serve-plan.ts';
import type { ServeConfig } from './settings/settings-schema.ts';

/**
 * Checks settings and what they refer to, as a start would: files, certificates, and that applications start,
 * in a process each. Nothing is served.
 * @throws UserError with all that is wrong
 */
export async function checkSettings(config: ServeConfig): Promise<void> {
  const { apps, warnings } = await planOf(config);
  const troubles = await Promise.all(apps.map(({ options }) => troubleOf(options)));
  const [first, ...more] = [...warnings, ...troubles.filter(each => each !== undefined)];
  if (first !== undefined) throw new UserError(first, ...more);
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
