/**
 * Refuses itself a call of the system, as sandboxes do (seccomp(2)), and says what works then. Arguments: the
 * number of the call, a value of its second argument or -1 for any, the error number, and those of
 * tellWhatWorks().
 */
import { addressOf, checked, libc } from '../../../src/os/libc.ts';
import { tellWhatWorks } from './what-works.ts';

const [PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER] = [38, 22, 2];
const [LOAD, JUMP_IF_EQUAL, RETURN] = [0x20, 0x15, 0x06];
const [NUMBER_AT, SECOND_ARGUMENT_AT] = [0, 24];
const [ALLOW, FAIL] = [0x7fff0000, 0x00050000];

const [call, argument, errno, path = '', endpoint = ''] = process.argv.slice(2);

function refuse(): void {
  const isArgument = Number(argument) !== -1;
  const steps: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [LOAD, 0, 0, NUMBER_AT],
    [JUMP_IF_EQUAL, 0, isArgument ? 3 : 1, Number(call)],
    ...(isArgument
      ? ([
          [LOAD, 0, 0, SECOND_ARGUMENT_AT],
          [JUMP_IF_EQUAL, 0, 1, Number(argument)],
        ] as [number, number, number, number][])
      : []),
    [RETURN, 0, 0, FAIL | Number(errno)],
    [RETURN, 0, 0, ALLOW],
  ];
  const filter = Buffer.allocUnsafeSlow(8 * steps.length);
  for (const [i, [code, ifTrue, ifFalse, value]] of steps.entries()) {
    filter.writeUInt16LE(code, 8 * i);
    filter.writeUInt8(ifTrue, 8 * i + 2);
    filter.writeUInt8(ifFalse, 8 * i + 3);
    filter.writeUInt32LE(value, 8 * i + 4);
  }
  const program = Buffer.allocUnsafeSlow(16).fill(0);
  program.writeUInt16LE(steps.length);
  program.writeBigUInt64LE(addressOf(filter), 8);
  const { prctl } = libc();
  checked(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'prctl', 'Cannot give up privileges');
  const at = Number(addressOf(program));
  checked(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, at, 0, 0), 'prctl', 'Cannot refuse a call');
}

refuse();
await tellWhatWorks(path, endpoint);
