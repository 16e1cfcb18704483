/** What a running system shows of itself. */

export { type ProcessMemory, readChunkFiles, readProcessMemory } from './smaps.ts';
export { type ObservedProcess, readStatus, type Status, type StatusInput } from './status.ts';
