import { SystemError } from '../../base/error.ts';
import { addressOf, lastErrno, libc } from '../libc.ts';

/**
 * Becomes another program, with the same process id and the descriptors that are not marked close-on-exec
 * (execve(2)). What the calling thread is restricted to, the program is; other threads end. Does not return.
 * @param path of the program
 * @param args with its name first
 * @throws SystemError
 */
export function replaceProcess(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): never {
  const pairs = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  // Kept until the call: the pointers do not.
  const [programArgs, variables] = [args.map(terminated), pairs.map(terminated)];
  libc().execve(path, pointersTo(programArgs), pointersTo(variables));
  throw new SystemError('execve', lastErrno(), `Cannot execute ${path}`);
}

/** In memory that does not move. */
function terminated(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text) + 1);
  bytes[bytes.write(text)] = 0;
  return bytes;
}

function pointersTo(strings: readonly Buffer[]): BigUint64Array {
  return BigUint64Array.from([...strings.map(addressOf), 0n]);
}
