import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** Errors of Linux (errno(3)) that neither libuv nor Node's constants name. */
const OTHERS: Readonly<Record<number, string>> = {
  15: 'ENOTBLK',
  85: 'ERESTART',
  87: 'EUSERS',
  109: 'ETOOMANYREFS',
  117: 'EUCLEAN',
  121: 'EREMOTEIO',
  123: 'ENOMEDIUM',
  124: 'EMEDIUMTYPE',
  126: 'ENOKEY',
  127: 'EKEYEXPIRED',
  128: 'EKEYREVOKED',
  129: 'EKEYREJECTED',
  130: 'EOWNERDEAD',
  131: 'ENOTRECOVERABLE',
  132: 'ERFKILL',
  133: 'EHWPOISON',
};

/**
 * The kernel's name of an error. Node knows those that libuv does; of others it would say 'Unknown system
 * error'.
 * @param errno positive
 */
export function errnoName(errno: number): string {
  const known = getSystemErrorName(-errno);
  if (!known.startsWith('Unknown')) return known;
  for (const [name, number] of Object.entries(constants.errno)) if (number === errno) return name;
  return OTHERS[errno] ?? `E${errno}`;
}
