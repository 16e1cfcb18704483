import type { Run } from './run.ts';

const KINDS = ['wrong bytes', 'stuck', 'leaked', 'fell', 'trouble'] as const;

/** What a run came to, as lines. */
export function summaryOf({ cast, audits, faults }: Pick<Run, 'cast' | 'audits' | 'faults'>): string {
  const { tally, findings } = cast;
  const rows: [string, number | string][] = [
    ['deaths', cast.deaths],
    ['stops', cast.stops],
    ['audits', audits],
    ['bytes verified', tally.of('bytesVerified')],
    ['payloads verified', tally.of('payloads')],
    ['messages', tally.of('messages')],
    ['requests over channels', tally.of('requests')],
    ...tally.family('requests:').map(([name, count]): [string, number] => [name, count]),
    ...tally.family('statuses:').map(([name, count]): [string, number] => [`answers ${name}`, count]),
    ['streams', tally.of('streams')],
    ['passed on', tally.of('forwarded')],
    ['connections', tally.of('connections')],
    ['pools that were full', tally.of('full')],
    ['descriptors exhausted', tally.of('exhausted')],
    ...[...faults].map(([kind, count]): [string, number] => [`fault ${kind}`, count]),
    ['lost to faults', tally.of('lost')],
    ...KINDS.map((kind): [string, number] => [kind, findings.filter(each => each.kind === kind).length]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value.toLocaleString('en')}`).join('\n');
}
