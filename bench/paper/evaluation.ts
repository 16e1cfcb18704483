import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../harness.ts';
import { DRAWINGS, type Drawing } from './figures.ts';
import { drawPlot, type Series } from './plot.ts';
import { OWN_FILES, type Row, savedRows } from './rows.ts';

const PAGE = 'docs/evaluation.md';
const PLOTS = 'docs/evaluation';
const TRACE = 'bench/results/trace.json';

const below = ({ ratio }: Row): boolean => ratio < 0.995;
const above = ({ ratio }: Row): boolean => ratio > 1.005;

/**
 * Draws all figures that were measured, and puts their tables into docs/evaluation.md, each between comments
 * that name it: `<!-- Fig. 3 -->` and `<!-- end -->`. What is around them stays.
 */
export function updateEvaluation(): void {
  const rows = savedRows();
  mkdirSync(PLOTS, { recursive: true });
  const tables = new Map<string, string>();
  for (const drawing of DRAWINGS) {
    const own = rows.filter(({ figure }) => figure === drawing.figure);
    if (own.length === 0) continue;
    writeFileSync(join(PLOTS, drawing.file), plotOf(drawing, own));
    tables.set(drawing.figure, tableOf(own));
  }
  tables.set('Table 1', traceTable());
  const against = rows.filter(({ peerName }) => peerName !== OWN_FILES);
  tables.set('lost', listOf(against, below));
  tables.set('won', listOf(against, above));
  const page = readFileSync(PAGE, 'utf8').replace(
    /(<!-- ([^>]+) -->\n).*?(<!-- end -->)/gs,
    (all, begin: string, name: string, end: string) =>
      tables.has(name) ? `${begin}\n${tables.get(name)}\n${end}` : all,
  );
  writeFileSync(PAGE, page);
}

/** Ours, and each peer, by place. */
function seriesOf(rows: readonly Row[]): { name: string; values: Map<Row['x'], number> }[] {
  const ours = new Map(rows.map(({ x, ours }) => [x, ours]));
  const peers = [...new Set(rows.map(({ peerName }) => peerName))].map(name => ({
    name,
    values: new Map(rows.filter(row => row.peerName === name).map(({ x, peer }) => [x, peer])),
  }));
  return [{ name: 'iolite', values: ours }, ...peers];
}

function plotOf({ title, x, y, kind }: Drawing, rows: readonly Row[]): string {
  const all = seriesOf(rows);
  if (kind === 'bars') {
    const names = [...new Set(rows.map(row => String(row.x)))];
    const [ours] = all;
    const series: Series[] = all.map(({ name, values }) => ({
      name,
      points: names.flatMap((place, i) => {
        const value = values.get(place);
        return value === undefined ? [] : [[i, value / (ours?.values.get(place) ?? 1)] as const];
      }),
    }));
    return drawPlot({ title, x, y, series, names });
  }
  // Sizes are kept in bytes, bandwidths in Mb/s.
  const xUnit = x.includes('(kB)') ? 1000 : 1;
  const yUnit = y.includes('(Gb/s)') ? 1000 : 1;
  const series = all.map(({ name, values }) => ({
    name,
    points: [...values].map(([at, value]) => [Number(at) / xUnit, value / yUnit] as const),
  }));
  return drawPlot({ title, x, y, series });
}

function tableOf(rows: readonly Row[]): string {
  const all = seriesOf(rows);
  const [first] = rows;
  const places = [...new Map(rows.map(({ x, name }) => [x, name.replace(/^.*?: /, '')]))];
  const peers = all.slice(1);
  const head = ['', `iolite (${first?.unit})`, ...peers.flatMap(({ name }) => [name, 'ratio'])];
  const lines = places.map(([x, name]) => {
    const cells = peers.flatMap(({ name: peerName, values }) => {
      const row = rows.find(each => each.x === x && each.peerName === peerName);
      return row === undefined ? ['', ''] : [format(values.get(x) as number), row.ratio.toFixed(2)];
    });
    return [name, format(all[0]?.values.get(x) as number), ...cells];
  });
  return markdown(head, lines);
}

function traceTable(): string {
  const rows = JSON.parse(readFileSync(TRACE, 'utf8')) as Result[];
  const lines = rows
    .filter(({ name }) => !name.endsWith('kills'))
    .map(({ name, ours, peer, unit, ratio }) => [
      name,
      `${format(ours)} ${unit}`,
      `${format(peer)} ${unit}`,
      ratio.toFixed(2),
    ]);
  return markdown(['', 'iolite', 'nginx', 'ratio'], lines);
}

/** By figure, in few words: who, where, how much. */
function listOf(rows: readonly Row[], isMeant: (row: Row) => boolean): string {
  const lines: string[] = [];
  for (const figure of new Set(rows.map(row => row.figure))) {
    const meant = rows.filter(row => row.figure === figure && isMeant(row));
    for (const peer of new Set(meant.map(({ peerName }) => peerName))) {
      const places = meant
        .filter(({ peerName }) => peerName === peer)
        .map(({ name, ratio }) => `${name.replace(/^.*?: /, '')} (${ratio.toFixed(2)})`);
      lines.push(`- ${figure}, ${peer}: ${places.join('; ')}`);
    }
  }
  return lines.length === 0 ? 'None.\n' : `${lines.join('\n')}\n`;
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rule = head.map((_, i) => (i === 0 ? '---' : '--:'));
  return [head, rule, ...lines].map(cells => `| ${cells.join(' | ')} |\n`).join('');
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
