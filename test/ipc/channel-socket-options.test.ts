import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CHANNEL_VARIABLE } from '../../src/ipc/meet/fork.ts';
import { FrameReader, FrameType, MessageKind } from '../../src/ipc/wire/frame.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { libc } from '../../src/os/libc.ts';
import { sendDescriptor, socketPair } from '../../src/os/socket.ts';
import { ended } from '../support/family.ts';
import { HELLO, messageFrame, Sample } from '../support/hostile.ts';
import { frame, RawPeer } from '../support/raw-peer.ts';
import { watchdog } from '../support/watchdog.ts';

const HOLDER = fileURLToPath(new URL('./children/holder.ts', import.meta.url));
const SOL_SOCKET = 1;
/** Options that have the kernel add something to what whoever reads a socket is given (unix(7)). */
const OPTIONS = { SO_PASSCRED: 16, SO_TIMESTAMP: 29, SO_PASSSEC: 34, SO_PASSPIDFD: 76 };
const ROUNDS = 60;

/** @returns whether the kernel knows the option */
function turnOn(socket: number, option: number): boolean {
  const yes = new Uint8Array(Int32Array.of(1).buffer);
  return libc().setsockopt(socket, SOL_SOCKET, option, yes, yes.length) !== -1;
}

/** What the descriptors of a process lead to. */
function descriptorsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

test('nothing is left of what options that a parent has set on our end add to descriptors', async test => {
  const [messages, theirMessages] = socketPair('stream');
  const [descriptors, theirDescriptors] = socketPair('seqpacket');
  const known = Object.entries(OPTIONS).filter(([, option]) =>
    [theirMessages, theirDescriptors].every(socket => turnOn(socket, option)),
  );
  const child = spawn(process.execPath, [...process.execArgv, HOLDER], {
    stdio: ['ignore', 'inherit', 'inherit', theirMessages, theirDescriptors],
    env: { ...process.env, [CHANNEL_VARIABLE]: '3,4' },
  });
  for (const fd of [theirMessages, theirDescriptors]) closeDescriptor(fd);
  using peer = new RawPeer(messages);
  using sample = new Sample();
  try {
    const reader = new FrameReader();
    let answers = 0;
    peer.socket.on('data', (bytes: Buffer) =>
      reader.push(bytes, ({ type, body }) => {
        if (type === FrameType.MESSAGE && body.readUInt32LE(0) === MessageKind.RESPONSE) answers += 1;
      }),
    );
    const answered = async (count: number): Promise<void> => {
      while (answers < count) await once(peer.socket, 'data');
    };
    peer.write(HELLO);
    for (let index = 1; index <= ROUNDS; index++) {
      const fd = sample.descriptor();
      const note = Buffer.alloc(4);
      note.writeUInt32LE(index);
      assert.equal(sendDescriptor(descriptors, note, fd), true);
      closeDescriptor(fd);
      const head = JSON.stringify({ ask: 'release' });
      const asking = messageFrame(MessageKind.REQUEST, index, { head, slices: [sample.slice(index)] });
      peer.write(sample.grant(index), asking, frame(FrameType.REVOKE, [index]));
      await watchdog(answered(index), `answer ${index}`);
    }
    const added = descriptorsOf(child.pid as number).filter(target => /pidfd/.test(target));
    assert.deepEqual(added, []);
  } finally {
    closeDescriptor(descriptors);
    await ended(child, 'SIGKILL');
  }
  if (known.length < Object.keys(OPTIONS).length)
    test.skip(`the kernel knows no more than ${known.map(([name]) => name).join(', ')}`);
});
