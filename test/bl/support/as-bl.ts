/** Preloaded by a process that runs bl's own tests: they import iolite/bl for bl, and our tape for tape. */
import { register } from 'node:module';

const replacements = {
  '../BufferListStream.js': new URL('../../../src/bl/index.ts', import.meta.url).href,
  tape: new URL('./tape.ts', import.meta.url).href,
};
const hooks = `
const replacements = ${JSON.stringify(replacements)};
export async function resolve(specifier, context, next) {
  const isTheirs = context.parentURL?.includes('/node_modules/bl/test/');
  const resolved = await next(isTheirs ? (replacements[specifier] ?? specifier) : specifier, context);
  if (/\\/node_modules\\/bl\\/(?!test\\/)/.test(resolved.url))
    throw new Error('bl itself was to be loaded: ' + specifier);
  return resolved;
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
