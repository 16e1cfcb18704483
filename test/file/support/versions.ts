/** Versions of a file, each made of the one before by a change that its number decides. */
const FIRST_BYTES = 3 * 1024 ** 2;

export type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'replace'; readonly bytes: Buffer };

/** What makes version `n` of version `n - 1`, which has `size` bytes. */
export function changeOf(n: number, size: number): Change {
  const random = (n * 2_654_435_761) % 4_294_967_296;
  if (n === 0 || n % 11 === 0)
    return { kind: 'replace', bytes: Buffer.alloc(FIRST_BYTES + (random % 99_999), n) };
  if (n % 5 === 0) return { kind: 'truncate', length: Math.floor(size / 2) };
  return {
    kind: 'write',
    offset: random % (size + 1),
    bytes: Buffer.alloc(1 + (random % 300_000), `v${n}.`),
  };
}

/** The same on flat bytes. */
function applied(change: Change, old: Buffer): Buffer {
  if (change.kind === 'replace') return change.bytes;
  if (change.kind === 'truncate') return Buffer.from(old.subarray(0, change.length));
  const next = Buffer.alloc(Math.max(old.length, change.offset + change.bytes.length));
  old.copy(next);
  next.set(change.bytes, change.offset);
  return next;
}

/** Version `n`, made from the first on. */
export function version(n: number): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  for (let i = 0; i <= n; i++) bytes = applied(changeOf(i, bytes.length), bytes);
  return bytes;
}
