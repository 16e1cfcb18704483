import {
  ageText,
  barScale,
  bytesText,
  countText,
  partText,
  type Rates,
  secondsText,
} from '../serve/inspect/figures.ts';
import type { InspectorStatus } from '../serve/inspect/inspector-status.ts';

/** A line, and whether it is the head of what follows. */
export interface ReportLine {
  readonly text: string;
  readonly isHead?: boolean;
}

const BAR_COLUMNS = 28;
const NARROW_COLUMNS = 100;
const LEVELS = ' ▁▂▃▄▅▆▇█';
/** A chunk, by its state: takes more, full, left and held by others. */
const STATES = ['+', '#', '!'];
const MOST_TILE_LINES = 6;

/** Rates of the last looks, as a curve of one line. @param values the last at the right */
export function sparkline(values: readonly number[], columns: number): string {
  const last = values.slice(-columns);
  const most = Math.max(...last, Number.MIN_VALUE);
  const levels = last.map(value => LEVELS[Math.ceil((value / most) * (LEVELS.length - 1))] ?? ' ');
  return levels.join('').padStart(columns);
}

/**
 * The state of a server in lines of text, none longer than `columns`.
 * @param rates since the look before; undefined at the first
 * @param history requests a second of the looks before, the last at the end
 */
export function topReport(
  status: InspectorStatus,
  rates: Rates | undefined,
  history: readonly number[],
  columns: number,
): ReportLine[] {
  const { version, node, uptime, isReady } = status;
  const lines: ReportLine[] = [
    {
      text: `iolite ${version}, Node.js ${node}, up ${ageText(uptime)}${isReady ? '' : ', not ready'}`,
      isHead: true,
    },
    ...trafficLines(status, rates, history, columns),
    { text: '' },
    ...memoryLines(status, columns),
    { text: '' },
    ...processLines(status, columns),
    { text: '' },
    ...otherLines(status).flatMap(line => wrapped(line, columns)),
  ];
  return lines.map(line => ({ ...line, text: line.text.slice(0, columns) }));
}

/** As several lines where it is longer, the further ones indented: cut after commas. */
function wrapped({ text }: ReportLine, columns: number): ReportLine[] {
  const lines: string[] = [];
  let line = '';
  for (const part of text.split(/(?<=,) /)) {
    if (line !== '' && line.length + 1 + part.length > columns) {
      lines.push(line);
      line = `  ${part}`;
    } else line = line === '' ? part : `${line} ${part}`;
  }
  return [...lines, line].map(each => ({ text: each }));
}

function trafficLines(
  { requests, cache, connections, logDropped }: InspectorStatus,
  rates: Rates | undefined,
  history: readonly number[],
  columns: number,
): ReportLine[] {
  const all = requests.reduce((sum, { count }) => sum + count, 0);
  const reads = cache.hits + cache.misses;
  const now = rates === undefined ? '–' : countText(rates.requests);
  const sent = rates === undefined ? '–' : bytesText(rates.bytes);
  const lines = [
    `requests ${now}/s, ${countText(all)} in all   sent ${sent}/s   connections ${countText(connections)}`,
    `hits ${partText(reads === 0 ? undefined : cache.hits / reads)}   ` +
      `p50 ${secondsText(rates?.p50)}   p90 ${secondsText(rates?.p90)}   p99 ${secondsText(rates?.p99)}`,
    requests.map(({ status, lane, count }) => `${status} ${lane} ${countText(count)}`).join('   '),
    ...(logDropped > 0 ? [`not in the log ${countText(logDropped)}`] : []),
  ];
  const curve = history.length < 2 ? [] : [sparkline(history, Math.min(columns, 60))];
  return [...lines, ...curve].map(text => ({ text }));
}

function memoryLines({ memory, cache, chunks }: InspectorStatus, columns: number): ReportLine[] {
  const scale = barScale([memory.once, memory.copies], cache.budget);
  const bar = (name: string, bytes: number): ReportLine => {
    const length = Math.round((BAR_COLUMNS * Math.min(bytes, scale.bytes)) / scale.bytes);
    const filled = bytes > scale.bytes ? `${'█'.repeat(BAR_COLUMNS - 1)}▶` : '█'.repeat(length);
    return { text: `${name.padEnd(17)}${filled.padEnd(BAR_COLUMNS, '·')} ${bytesText(bytes)}` };
  };
  const states = cache.states.filter(({ value }) => value > 0);
  const tiles = chunks.rows.map(([state]) => STATES[state] ?? '?').join('');
  const width = Math.min(columns, NARROW_COLUMNS);
  const shown = Array.from(
    { length: Math.min(MOST_TILE_LINES, Math.ceil(tiles.length / width)) },
    (_, line) => ({
      text: tiles.slice(line * width, (line + 1) * width),
    }),
  );
  return [
    { text: `Memory: ${countText(cache.entries)} entries of ${bytesText(cache.content)}`, isHead: true },
    bar('one copy', memory.once),
    bar('a copy each', memory.copies),
    bar('allowed just now', cache.allowance),
    bar('budget', cache.budget),
    { text: states.map(({ name, value }) => `${name} ${bytesText(value)}`).join('   ') },
    { text: `${chunks.rows.length} chunks: # full, + takes more, ! left and held by others` },
    ...shown,
  ];
}

function processLines({ processes }: InspectorStatus, columns: number): ReportLine[] {
  const text = (bytes: number | undefined): string => (bytes === undefined ? '–' : bytesText(bytes));
  const isNarrow = columns < NARROW_COLUMNS;
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(index === 1 ? 8 : 11)))
      .join('');
  const heads = [
    'process',
    'pid',
    'PSS',
    'heap',
    'late',
    'requests',
    ...(isNarrow ? [] : ['RSS', 'chunks', 'leased']),
  ];
  return [
    { text: row(heads), isHead: true },
    ...processes.map(each => ({
      text: row([
        each.role,
        String(each.pid),
        text(each.pss),
        text(each.heap),
        secondsText(each.late),
        each.requests === undefined ? '–' : countText(each.requests),
        ...(isNarrow ? [] : [text(each.rss), countText(each.chunks), bytesText(each.held)]),
      ]),
    })),
  ];
}

function otherLines({ cache, applications, proxy, channels }: InspectorStatus): ReportLine[] {
  const figures = (title: string, pairs: readonly (readonly [string, number])[]): ReportLine[] =>
    pairs.length === 0
      ? []
      : [{ text: `${title}: ${pairs.map(([name, value]) => `${name} ${countText(value)}`).join(', ')}` }];
  return [
    ...figures('Cache', [
      ['hits', cache.hits],
      ['misses', cache.misses],
      ['read from the disk', cache.diskReads],
      ['evicted', cache.evictions],
      ['not kept', cache.uncached],
    ]),
    ...applications.flatMap(({ name, queued, active = 0, requests = 0, restarts }) =>
      figures(name.startsWith('proxy ') ? `P${name.slice(1)}` : `Application ${name}`, [
        ['waiting', queued],
        ['under way', active],
        ['requests', requests],
        ['restarts', restarts],
      ]),
    ),
    ...figures(
      'Proxy',
      proxy.map(({ status, count }) => [status, count] as const),
    ),
    ...figures(
      'Channels',
      channels.map(
        ({ name, value }) =>
          [name === 's' ? 'open' : name.replaceAll('_', ' ').replace(/ total$/, ''), value] as const,
      ),
    ),
  ];
}
