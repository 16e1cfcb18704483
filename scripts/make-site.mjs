/**
 * Makes the two files of the example site that are too large, or too dull, to keep in the repository. The
 * same bytes each time; what is there already with the right size stays.
 */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

const SITE = new URL('../examples/site/', import.meta.url);
// Not a multiple of a page or of a chunk, so that the last, partial page is served too.
const NOTES_BYTES = 6 * 1024 * 1024 + 123;
const WIDTH_PIXELS = 320;
const HEIGHT_PIXELS = 200;

/** Mulberry32: small, seeded, and the same on every platform. */
function random32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function fieldNotes() {
  const next = random32(1999);
  const words = Buffer.alloc(Math.ceil(NOTES_BYTES / 4) * 4);
  for (let at = 0; at < words.length; at += 4) words.writeUInt32LE(next(), at);
  return words.subarray(0, NOTES_BYTES);
}

function pngChunk(type, data) {
  const chunk = Buffer.alloc(data.length + 12);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(zlib.crc32(chunk.subarray(4, data.length + 8)), data.length + 8);
  return chunk;
}

function gradient() {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH_PIXELS, 0);
  header.writeUInt32BE(HEIGHT_PIXELS, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits a sample, RGB, and the only methods there are; not interlaced

  const stride = 1 + WIDTH_PIXELS * 3; // a row starts with its filter, 0: none
  const rows = Buffer.alloc(stride * HEIGHT_PIXELS);
  for (let y = 0; y < HEIGHT_PIXELS; y++) {
    for (let x = 0; x < WIDTH_PIXELS; x++) {
      const across = x / (WIDTH_PIXELS - 1);
      const down = y / (HEIGHT_PIXELS - 1);
      const rgb = [30 + 190 * across, 110 + 50 * down, 150 - 90 * across + 60 * down];
      rows.set(rgb.map(Math.round), y * stride + 1 + x * 3);
    }
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    pngChunk('IDAT', zlib.deflateSync(rows, { level: 9 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

async function sizeOf(path) {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error.code === 'ENOENT') return -1;
    throw error;
  }
}

/** Under a temporary name first: a server that runs never sees half a file. */
async function make(name, bytes, content) {
  const path = fileURLToPath(new URL(name, SITE));
  if ((await sizeOf(path)) === bytes) return;
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(temporary, content());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  console.log(`made examples/site/${name}`);
}

await make('media/field-notes.bin', NOTES_BYTES, fieldNotes);
// What deflate makes of it depends on the zlib in Node.js, so its size is known only once it is made.
const picture = gradient();
await make('images/gradient.png', picture.length, () => picture);
