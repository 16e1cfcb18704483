import type { ChunkKeeper } from '../../../src/memory/chunk.ts';

/** Keeps chunks that are made for a test. */
export const NOBODY: ChunkKeeper = { idle() {}, claimed() {} };
