/** Passes descriptors that nobody takes, for each line that comes. */
import { createInterface } from 'node:readline';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { sendDescriptor, socketPair } from '../../../src/os/socket.ts';
import { limitDescriptors } from '../../support/no-descriptors.ts';
import { takeDescriptor } from '../../support/take-descriptor.ts';

const NOTE = Buffer.alloc(4);
const MOST = 200;
const MOST_IN_FLIGHT = 60;

const [stuck, reader] = socketPair('seqpacket');
const [healthy] = socketPair('seqpacket');

function attempt(socket: number): boolean | string {
  try {
    return sendDescriptor(socket, NOTE, socket);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

limitDescriptors(MOST_IN_FLIGHT);
console.log('"ready"');
for await (const _ of createInterface({ input: process.stdin })) {
  let sent = 0;
  while (sent < MOST && attempt(stuck) === true) sent += 1;
  const atLimit = attempt(healthy);
  for (let taken = 0; taken < 2; taken++) {
    const found = takeDescriptor(reader);
    if (typeof found === 'object') closeDescriptor(found.fd);
  }
  console.log(JSON.stringify({ isLimited: sent < MOST, atLimit, later: attempt(healthy) }));
}
