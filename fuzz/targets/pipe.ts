import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { openInput } from '../../src/ipc/pipe/open-input.ts';
import { identifyPipe } from '../../src/ipc/pipe/pipe-identity.ts';
import { MessageKind } from '../../src/ipc/wire/frame.ts';
import { Folder } from '../../test/support/folder.ts';
import { HELLO, messageFrame } from '../../test/support/hostile.ts';
import { makeFrames } from '../channel-frames.ts';
import { agree, type Target } from '../target.ts';

const TEXT = 'what is in the pipe';
const YES = messageFrame(MessageKind.RESPONSE, 1);

/** A writer that offers to go over to aggregates, and says whatever it likes. */
class HostileWriter {
  readonly #folder = new Folder();
  readonly path = this.#folder.file('pipe');
  readonly #server: Server;
  #sockets: Socket[] = [];
  #says: Buffer = Buffer.alloc(0);

  constructor() {
    execFileSync('mkfifo', [this.path]);
    this.#server = createServer(socket => {
      this.#sockets.push(socket.on('error', () => {}).resume());
      // The second is for messages.
      if (this.#sockets.length % 2 === 0) socket.end(this.#says);
    });
  }

  async listen(fd: number): Promise<void> {
    if (this.#server.listening) return;
    const endpoint = identifyPipe(fd)?.endpoint;
    if (endpoint === undefined) throw new Error('There is no place for the name of a pipe');
    await new Promise<void>(listening => {
      this.#server.listen(endpoint, listening);
    });
  }

  say(bytes: Buffer): void {
    this.#says = bytes;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = [];
  }

  close(): void {
    this.say(Buffer.alloc(0));
    this.#server.close();
    this.#folder[Symbol.dispose]();
  }
}

let writer: HostileWriter | undefined;

/** Reading a pipe whose writer offers aggregates: whatever it says, the bytes of the pipe come, all of them. */
export const pipe: Target = {
  name: 'pipe',
  covers: ['ipc/pipe/', 'ipc/meet/', 'ipc/requester.', 'ipc/responder.'],
  tokens: ['{"pipe":"read"}', Buffer.alloc(4), HELLO, YES],
  make: random => Buffer.concat([HELLO, random.chance(0.7) ? YES : Buffer.alloc(0), makeFrames(random)]),
  run: async bytes => {
    writer ??= new HostileWriter();
    const input = openSync(writer.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const output = openSync(writer.path, constants.O_WRONLY);
    try {
      await writer.listen(input);
      writer.say(bytes);
      writeSync(output, TEXT);
      agree('what is read', await read(input, output), TEXT);
    } finally {
      closeSync(input);
    }
  },
  close: () => writer?.close(),
};

/** All that comes. The writer's end of the pipe is closed when its text is there. */
async function read(input: number, output: number): Promise<string> {
  let isOpen = true;
  let text = '';
  const end = (): void => {
    if (isOpen) closeSync(output);
    isOpen = false;
  };
  const reading = openInput(input, { upgradeAfter: 0 });
  try {
    for await (const part of reading) {
      text += part.toString();
      part.release();
      if (text.includes(TEXT)) end();
    }
  } catch (error) {
    // What the writer says may be against the protocol: then reading fails, with what came before.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!code.startsWith('ERR_IOLITE_')) throw error;
    if (text === '') text = TEXT;
  } finally {
    end();
    await reading.close();
  }
  return text;
}
