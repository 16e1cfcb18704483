/** What is loaded only when koffi can no longer be had. */
export { createFileCache } from '../../../src/file/cache/owned-cache.ts';
export { attachFastLane } from '../../../src/http/fast-lane/fast-lane.ts';
export { createServer } from '../../../src/http/server/server.ts';
export { createSite } from '../../../src/http/site/site.ts';
export { sharedMemoryIsSupported } from '../../../src/memory/support.ts';
