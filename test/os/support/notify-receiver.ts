import { unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../../../src/os/constants.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { checked, libc } from '../../../src/os/libc.ts';
import { receiveNow } from '../../../src/os/socket.ts';
import { watchdog } from '../../support/watchdog.ts';

const FAMILY_BYTES = 2;

/** The socket of systemd's that NOTIFY_SOCKET names: a file, or '@' and an abstract name, not filled up. */
export class NotifyReceiver implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #room = Buffer.alloc(4096);
  #isClosed = false;

  constructor(path: string) {
    this.path = path;
    const address = Buffer.alloc(FAMILY_BYTES + Buffer.byteLength(path) + (path.startsWith('@') ? 0 : 1));
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(path.replace(/^@/, '\0'), FAMILY_BYTES);
    this.#fd = checked(libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket', 'Cannot receive');
    checked(libc().bind(this.#fd, address, address.length), 'bind', 'Cannot receive');
  }

  /** What was said next, by names; waits for it. */
  next(): Promise<Record<string, string>> {
    const received = async (): Promise<Record<string, string>> => {
      while (!this.#isClosed) {
        const length = receiveNow(this.#fd, this.#room);
        if (length > 0) return fieldsOf(this.#room.toString('utf8', 0, length));
        await setImmediate();
      }
      throw new Error('The receiver was closed');
    };
    return watchdog(received(), 'a service to tell of itself', 40_000);
  }

  /** The next message that has a field. */
  async nextWith(name: string): Promise<Record<string, string>> {
    for (;;) {
      const message = await this.next();
      if (name in message) return message;
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    closeDescriptor(this.#fd);
    if (!this.path.startsWith('@')) unlinkSync(this.path);
  }
}

function fieldsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').map(line => {
      const [name = ''] = line.split('=', 1);
      return [name, line.slice(name.length + 1)];
    }),
  );
}
