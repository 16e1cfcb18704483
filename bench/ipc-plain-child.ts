import { connect, type Socket } from 'node:net';

interface Order {
  readonly expect?: number;
  readonly expectBytes?: number;
  readonly echo?: boolean;
  readonly connect?: string;
  readonly body?: Uint8Array;
}

let expected = 0;
let seen = 0;
let expectedBytes = 0;
let seenBytes = 0;
let isEcho = false;
let sum = 0;

process.on('message', ({ expect, expectBytes, echo, connect: path, body }: Order) => {
  if (path !== undefined) listenTo(connect(path));
  if (echo !== undefined) {
    isEcho = echo;
    if (!echo) process.send?.({ sum });
  }
  if (expectBytes !== undefined) {
    expectedBytes = expectBytes;
    tellBytes();
  }
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

function listenTo(socket: Socket): void {
  socket.on('data', bytes => {
    if (isEcho) {
      socket.write(bytes);
      return;
    }
    sum += (bytes[0] ?? 0) + (bytes[bytes.length - 1] ?? 0);
    seenBytes += bytes.length;
    tellBytes();
  });
}

function tellBytes(): void {
  if (expectedBytes === 0 || seenBytes < expectedBytes) return;
  seenBytes = 0;
  expectedBytes = 0;
  process.send?.({ sum });
}
