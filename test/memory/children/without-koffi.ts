/**
 * Makes pools where something of koffi is withheld, or where the platform is said to be another, and writes
 * what it finds to stdout as JSON: `node without-koffi.ts koffi|binary|platform`.
 */
import Module from 'node:module';
import type { WithoutKoffi } from '../support/without-koffi.ts';

const [, , withheld] = process.argv;
const modules = Module as unknown as { _resolveFilename(request: string, ...more: unknown[]): string };
const resolve = modules._resolveFilename;
if (withheld === 'platform') Object.defineProperty(process, 'platform', { value: 'darwin' });
modules._resolveFilename = (request, ...more) => {
  const isWithheld =
    (withheld === 'koffi' && request === 'koffi') || (withheld === 'binary' && request.includes('@koromix'));
  if (!isWithheld) return resolve(request, ...more);
  throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
};

const warnings: WithoutKoffi['warnings'] = [];
process.on('warning', warning => {
  const { name, message, code } = warning as NodeJS.ErrnoException;
  warnings.push({ name, message, code });
});

const { createPool } = await import('../../../src/aggregate/pool.ts');
using meant = createPool({ memory: 'heap' });
await new Promise(setImmediate);
const unexpected = warnings.length;
using first = createPool();
using second = createPool();
await new Promise(setImmediate);

function refusal(attempt: () => unknown): string {
  try {
    attempt();
    return 'nothing was refused';
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}: ${(error as Error).message}`;
  }
}

const told: WithoutKoffi = {
  memories: [meant, first, second].map(pool => pool.chunks.memory),
  unexpected,
  warnings,
  refused: refusal(() => createPool({ memory: 'shared' })),
};
console.log(JSON.stringify(told));
