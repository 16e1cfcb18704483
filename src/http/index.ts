/** HTTP from the file cache. */
export type { Answer, Handler, HeaderList, ServerRequest } from './exchange.ts';
export { attachFastLane, type FastLane, type FastLaneOptions } from './fast-lane/fast-lane.ts';
export { createStaticHandler, type StaticHandler } from './static.ts';
