/**
 * Runs the TypeScript module that the first argument names: tsx does not reach into worker threads by itself.
 */
import { register } from 'tsx/esm/api';

register();
const [module] = process.argv.splice(2, 1);
await import(module);
