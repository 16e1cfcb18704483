/**
 * For `npm run soak`, loaded before each program of Node.js (`--import`): has it collect its garbage now and
 * then. By itself V8 looks for garbage among what has lived for a while only when there may be hundreds of
 * megabytes of it, which takes processes with little to do hours: until then all of them grow, whatever they
 * hold.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_MS = 20_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setInterval(collect, EVERY_MS).unref();
