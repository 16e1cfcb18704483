import { builtins } from '../base/builtins.ts';
import { writeAccessList } from './access-header.ts';
import type { AccessList } from './acl.ts';
import { HEADER_BYTES } from './chunk.ts';

/**
 * The first page of a shared chunk. Little-endian.
 *
 *     0  magic       8 bytes, "iolite\r\n"
 *     8  version     u32, 2
 *    12  generation  u32, raised at each recycling
 *    16  id          16 bytes, random
 *    32  ACL, see access-header.ts
 *        facts, see facts/fact-log.ts, and zeros up to HEADER_BYTES
 */
const MAGIC = Buffer.from('iolite\r\n', 'latin1');
const LAYOUT_VERSION = 2;
const GENERATION_AT = 12;
const ID_AT = 16;
const ID_BYTES = 16;

/**
 * Generations are stored in 32 bits; a chunk that reaches the last, or begins with it, is not recycled again.
 */
export const MAX_GENERATION = 0xffff_ffff;

/** Writes the header of a new chunk. @returns its id */
export function writeHeader(chunk: Buffer, generation: number, acl: AccessList): string {
  MAGIC.copy(chunk, 0);
  chunk.writeUInt32LE(LAYOUT_VERSION, MAGIC.length);
  writeGeneration(chunk, generation);
  builtins.crypto.randomFillSync(chunk, ID_AT, ID_BYTES);
  writeAccessList(chunk, acl);
  return readId(chunk);
}

export function writeGeneration(chunk: Buffer, generation: number): void {
  chunk.writeUInt32LE(generation, GENERATION_AT);
}

export function readGeneration(chunk: Buffer): number {
  return chunk.readUInt32LE(GENERATION_AT);
}

function readId(chunk: Buffer): string {
  return chunk.toString('hex', ID_AT, ID_AT + ID_BYTES);
}

/** Why this is not the header of the chunk with this id, or undefined if it is. */
export function headerProblem(chunk: Buffer, id: string): string | undefined {
  if (chunk.length < HEADER_BYTES) return `it is ${chunk.length} bytes long`;
  if (MAGIC.compare(chunk, 0, MAGIC.length) !== 0) return 'its magic number is wrong';
  const version = chunk.readUInt32LE(MAGIC.length);
  if (version !== LAYOUT_VERSION) return `its layout version is ${version}, ${LAYOUT_VERSION} is known`;
  if (readId(chunk) !== id) return `its id is ${readId(chunk)}, ${id} was stated`;
  return undefined;
}
