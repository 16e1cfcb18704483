let expected = 0;
let seen = 0;
let sum = 0;

process.on('message', ({ expect, body }: { expect?: number; body?: Uint8Array }) => {
  if (expect !== undefined) expected = expect;
  if (body !== undefined) {
    sum += (body[0] ?? 0) + (body[body.length - 1] ?? 0);
    seen += 1;
  }
  if (seen < expected || expected === 0) return;
  seen = 0;
  expected = 0;
  process.send?.({ sum });
});
