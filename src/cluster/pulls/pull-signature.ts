import { createHmac, timingSafeEqual } from 'node:crypto';
import { fieldOf, type HeaderList } from '../../http/message/header-list.ts';

/** What a pull says, all of it signed. */
export interface SignedPull {
  readonly target: string;
  /** Who asks: a machine's name, and which of its lives. */
  readonly from: string;
  readonly epoch: string;
  /** Whom it asks: one life of a machine. */
  readonly to: string;
  /** Counts what this life has asked: no two are the same. */
  readonly count: number;
  /** How far in which log the machine is. */
  readonly log: string;
  readonly position: number;
  readonly site: string;
  readonly client: string | undefined;
}

const PAIR = /^\s*(\w+)=(\S*)\s*$/;

/** Fields that say it and prove that whoever says it knows the secret. */
export function signPull(secret: string, pull: SignedPull): HeaderList {
  const { target, from, epoch, to, count, log, position, site, client } = pull;
  const fill = pairs({ hop: 1, position });
  const scheme = target.slice(0, target.indexOf(':'));
  const who = pairs({ scheme, from, epoch, to, count, log, site, client });
  return ['Iolite-Fill', fill, 'Iolite-Pull', who, 'Iolite-Signature', macOf(secret, target, fill, who)];
}

/**
 * What a pull says.
 * @param asked a path, of the host that the fields name; or all of the target
 * @returns undefined where it was not signed with the secret, or says something else
 */
export function readPull(secret: string, asked: string, headers: HeaderList): SignedPull | undefined {
  const fill = fieldOf(headers, 'iolite-fill') ?? '';
  const who = fieldOf(headers, 'iolite-pull') ?? '';
  const said = read(`${fill}; ${who}`);
  const target = asked.startsWith('/') ? `${said.scheme}://${fieldOf(headers, 'host')}${asked}` : asked;
  // As text: what is no hexadecimal would be left out of bytes.
  const given = Buffer.from(fieldOf(headers, 'iolite-signature') ?? '');
  const wanted = Buffer.from(macOf(secret, target, fill, who));
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const { from, epoch, to, log, site, client, count, hop, position } = said;
  if (!from || !epoch || !to || log === undefined || site === undefined || hop !== '1') return undefined;
  const numbers = { count: Number(count), position: Number(position) };
  if (!Number.isSafeInteger(numbers.count) || !Number.isSafeInteger(numbers.position)) return undefined;
  return { target, from, epoch, to, log, site, client, ...numbers };
}

/** Says how far a machine is that answers. */
export function fillField({ log, sequence }: { readonly log: string; readonly sequence: number }): string {
  return pairs({ hop: 1, position: sequence, log });
}

/** Whether who answers is at least as far in the same log as who asked was. */
export function coversPull(answered: HeaderList, asked: HeaderList): boolean {
  const fill = fieldOf(answered, 'iolite-fill') ?? '';
  const log = valueIn(fill, 'log');
  if (log === undefined || log !== valueIn(fieldOf(asked, 'iolite-pull') ?? '', 'log')) return false;
  const before = valueIn(fieldOf(asked, 'iolite-fill') ?? '', 'position');
  return Number(valueIn(fill, 'position')) >= Number(before);
}

function macOf(secret: string, ...said: readonly string[]): string {
  return createHmac('sha256', secret).update(JSON.stringify(said)).digest('hex');
}

function pairs(values: Readonly<Record<string, string | number | undefined>>): string {
  let text = '';
  for (const name in values) {
    const value = values[name];
    if (value !== undefined) text += `${text === '' ? '' : '; '}${name}=${encodeURIComponent(value)}`;
  }
  return text;
}

/** One of the pairs, as it is written: where only that is wanted. */
function valueIn(text: string, name: string): string | undefined {
  const start = text.startsWith(`${name}=`) ? 0 : text.indexOf(`; ${name}=`) + 2;
  if (start === 1) return undefined;
  const end = text.indexOf(';', start);
  return text.slice(start + name.length + 1, end === -1 ? undefined : end);
}

function read(text: string): Readonly<Record<string, string | undefined>> {
  const values: Record<string, string> = Object.create(null);
  for (const each of text.split(';')) {
    const [, name, value = ''] = PAIR.exec(each) ?? [];
    if (name !== undefined) values[name] = decoded(value);
  }
  return values;
}

function decoded(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}
