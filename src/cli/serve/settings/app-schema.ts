import { MAX_TIMEOUT_MS } from '../../../base/deadlines.ts';
import { duration, integer, needed, setting, settings, text } from './schema-parts.ts';

export const MAX_WORKERS = 256;

/** An application in processes of its own. */
export const AppSchema = settings({
  module: needed(text, 'its file; the default export is a handler, or has a fetch method'),
  workers: setting(integer(1, MAX_WORKERS), 'processes (1)'),
  timeout: setting(duration(1, MAX_TIMEOUT_MS), 'until the head of an answer is there (30 s)'),
  hangTimeout: setting(duration(1, MAX_TIMEOUT_MS), 'that a process may be stuck before it is ended (30 s)'),
  maxBodyBytes: setting(integer(0), 'bytes of the body of a request (16 MiB)'),
  maxConcurrency: setting(integer(1, 2 ** 20), 'requests at a time at one process (128)'),
  maxQueue: setting(integer(0, 2 ** 20), 'requests that may wait (1024)'),
});
