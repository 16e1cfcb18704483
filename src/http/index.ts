/** HTTP from the file cache. */
export { createStaticHandler, type StaticHandler } from './static.ts';
