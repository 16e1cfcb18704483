/**
 * Section 5 of the IO-Lite paper (Pai, Druschel, Zwaenepoel, OSDI '99) on today's machine, figure by figure:
 * static content without and with kept connections (3, 4), dynamic content likewise (5, 6), clients that are
 * far away (7), programs and pipes (8). Table 1's trace is a benchmark of its own: `npm run bench -- trace`.
 * What is compared takes turns, forth and back; all figures are medians. At the end docs/evaluation.md has
 * the tables and the plots of all that was measured, now or before: `npm run evaluation` does only that.
 *
 * BENCH_ONLY=<text> leaves out the figures whose names ("Fig. 3") lack it, BENCH_SECONDS and BENCH_ROUNDS say
 * how long and how often is measured (default: a second, two rounds forth and back: a quarter of an hour).
 */

import { printTable } from './harness.ts';
import { applications } from './paper/applications.ts';
import { delayedClients } from './paper/delayed-clients.ts';
import { updateEvaluation } from './paper/evaluation.ts';
import type { Row } from './paper/rows.ts';
import { saveRows } from './paper/rows.ts';
import { dynamicContent, staticContent } from './paper/web-servers.ts';
import { isWanted } from './turns.ts';

const FIGURES: readonly ((isWanted: (figure: string) => boolean) => Promise<Row[]>)[] = [
  staticContent,
  dynamicContent,
  delayedClients,
  applications,
];

for (const measure of FIGURES) {
  const rows = await measure(isWanted);
  if (rows.length === 0) continue;
  printTable(rows);
  // Each when it is there: a figure that fails takes no other with it.
  saveRows(rows);
}
updateEvaluation();
