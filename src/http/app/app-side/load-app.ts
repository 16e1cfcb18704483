import { pathToFileURL } from 'node:url';
import { ArgumentError, describe } from '../../../base/error.ts';
import type { AppHandler, FetchApp } from './application.ts';
import { fetchAppHandler } from './fetch-adapter.ts';

/**
 * Loads an application.
 * @param module a path or file URL
 * @returns its default export: a handler, or what makes one of a `fetch` method
 * @throws what loading it throws; ERR_IOLITE_ARGUMENT when it exports neither
 */
export async function loadApp(module: string): Promise<AppHandler> {
  const url = module.startsWith('file:') ? module : pathToFileURL(module).href;
  const { default: app } = (await import(url)) as { default?: unknown };
  if (typeof app === 'function') return app as AppHandler;
  if (typeof (app as Partial<FetchApp> | null | undefined)?.fetch === 'function') {
    return fetchAppHandler(app as FetchApp);
  }
  throw new ArgumentError(
    `Cannot run ${module}: a function or an object with fetch() is wanted as its default export, ` +
      `${describe(app)} was given`,
  );
}
