import { createHmac } from 'node:crypto';
import { decodeJob, encodeJob } from '../../src/cluster/jobs/job-message.ts';
import { decodeLogMessage, encodeLogMessage } from '../../src/cluster/log/log-message.ts';
import { decodeEntry, encodeEntry } from '../../src/cluster/machines/machine-entry.ts';
import { coversPull, readPull, signPull } from '../../src/cluster/pulls/pull-signature.ts';
import type { Random } from '../random.ts';
import { agree, type Target } from '../target.ts';

const SECRET = 'a secret of sixteen bytes';
const TARGET = '/what?is=asked';
const PULL = {
  ...{ target: TARGET, from: 'a', epoch: 'e1', to: 'e2', count: 7, log: 'l', position: 3 },
  ...{ site: 's', client: '10.0.0.1' },
};
const SIGNED = signPull(SECRET, PULL);

/** What is read: by the first byte of a case. */
const KINDS = [signed, forged, entry, logged, job] as const;

/**
 * What machines of a cluster say of themselves, to their log, to their jobs, and to each other as they get
 * contents: from others who know the secret, from those who do not, and from NATS.
 */
export const cluster: Target = {
  name: 'cluster',
  covers: [
    ...['cluster/pulls/pull-signature.', 'cluster/machines/machine-entry.', 'cluster/parse-object.'],
    ...['cluster/log/log-message.', 'cluster/jobs/job-message.'],
  ],
  tokens: [
    ...[
      'from=a',
      'epoch=',
      'to=e2',
      'count=1',
      'hop=1',
      'position=',
      '; ',
      '%41',
      '%',
      '\n',
      '{',
      '"applied":1',
    ],
    ...['"kind":"join"', '"kind":"invalidate"', '"selector":{}', '"weight":1', '"length":3', '"pieces":2'],
  ],
  make: random => {
    const kind = random.below(KINDS.length);
    return Buffer.concat([Buffer.of(kind), contentOf(kind, random)]);
  },
  run: bytes => KINDS[(bytes[0] ?? 0) % KINDS.length]?.(bytes.subarray(1)),
};

function contentOf(kind: number, random: Random): Buffer {
  const word = (): string => random.pick(['a', '', 'e2', '%', '\u00e9', 'x'.repeat(random.size(50))]);
  const number = (): number => random.pick([0, 1, -1, 1.5, 2 ** 53, random.below(1000)]);
  switch (KINDS[kind]) {
    case entry:
      return Buffer.from(
        JSON.stringify({
          ...{ epoch: word(), log: word(), applied: number(), weight: number() },
          ...(random.chance(0.5) ? { advertise: word() } : {}),
        }),
      );
    case logged:
      return Buffer.from(
        random.chance(0.4)
          ? JSON.stringify({ kind: 'join', machine: word() })
          : JSON.stringify({ kind: 'invalidate', topic: word(), selector: { urls: [word(), word()] } }),
      );
    case job: {
      const inline = random.bytes(random.size(30));
      const pieces = random.below(3);
      const length = pieces === 0 ? inline.length : number();
      return encodeJob({ head: word(), length, pieces, inline: pieces === 0 ? inline : Buffer.alloc(0) });
    }
    default: {
      const said = { ...PULL, from: word(), to: word(), count: number(), position: number(), site: word() };
      const [, fill, , who, , mac] = signPull(SECRET, said);
      return Buffer.from([fill, who, mac].join('\n'), 'latin1');
    }
  }
}

/** Fields that somebody who knows the secret has signed, whatever they say. */
function signed(bytes: Buffer): void {
  const [fill = '', who = ''] = bytes.toString('latin1').split('\n');
  const mac = createHmac('sha256', SECRET)
    .update(JSON.stringify([TARGET, fill, who]))
    .digest('hex');
  const asked = ['Iolite-Fill', fill, 'Iolite-Pull', who, 'Iolite-Signature', mac];
  const pull = readPull(SECRET, TARGET, asked);
  coversPull(asked, asked);
  if (pull === undefined) return;
  agree('a pull that is signed anew', readPull(SECRET, TARGET, signPull(SECRET, pull)), pull);
  if (!Number.isSafeInteger(pull.count) || !Number.isSafeInteger(pull.position))
    throw new Error('A pull counts with what is no number');
}

/** Fields that somebody has made up who does not know it: taken as they were signed once, or not at all. */
function forged(bytes: Buffer): void {
  const [fill = '', who = '', mac = ''] = bytes.toString('latin1').split('\n');
  const asked = ['Iolite-Fill', fill, 'Iolite-Pull', who, 'Iolite-Signature', mac];
  const pull = readPull(SECRET, TARGET, asked);
  const right = createHmac('sha256', SECRET)
    .update(JSON.stringify([TARGET, fill, who]))
    .digest('hex');
  if (pull !== undefined) agree('a signature that is taken', mac, right);
  // One that is right for something else.
  agree('a pull of another target', readPull(SECRET, `${TARGET}&`, SIGNED), undefined);
}

function entry(bytes: Buffer): void {
  const read = decodeEntry(bytes);
  if (read !== undefined) agree('an entry written anew', decodeEntry(encodeEntry(read)), read);
}

function logged(bytes: Buffer): void {
  const read = decodeLogMessage(bytes);
  if (read !== undefined) agree('a message written anew', decodeLogMessage(encodeLogMessage(read)), read);
}

function job(bytes: Buffer): void {
  try {
    const read = decodeJob(bytes);
    agree('a job written anew', decodeJob(encodeJob(read)), read);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_IOLITE_PROTOCOL') throw error;
  }
}
