/**
 * What each worker of a pool runs, a thread or a process. Arguments: the URL of the module with the tasks'
 * functions, options of the channel as JSON, then those that are the module's own. Ends when the channel
 * does.
 */

import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { ignore } from '../../base/ignore.ts';
import { parentChannel } from '../meet/fork.ts';
import { runTask } from './run-task.ts';
import { TaskFunctions } from './task-functions.ts';
import { failureMessage } from './task-message.ts';

const [module = '', channelOptions = '{}'] = process.argv.splice(2, 2);
// As if the module had been started.
process.argv[1] = module.startsWith('file:') ? fileURLToPath(module) : module;
// Sent to a whole process group, these are the owner's to act on.
if (isMainThread) for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, ignore);

const channel = parentChannel(JSON.parse(channelOptions));
channel.once('close', () => process.exit());
try {
  const functions = await TaskFunctions.load(module);
  channel.onRequest((message, context) => runTask(functions, message, context));
} catch (error) {
  channel.onRequest(() => failureMessage(error));
}
