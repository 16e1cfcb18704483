import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { complain } from '../complain.ts';
import { type Rates, ratesBetween } from '../serve/inspect/figures.ts';
import type { InspectorStatus } from '../serve/inspect/inspector-status.ts';
import { UserError } from '../user-error.ts';
import { inspectorAt } from './inspector-source.ts';
import { connectToServer, type StatusSource } from './running-servers.ts';
import { topReport } from './top-report.ts';
import { TopScreen } from './top-screen.ts';

const PERIOD_MS = 1000;
const KEPT_RATES = 120;
const REPORT_COLUMNS = 120;
const TOKEN_VARIABLE = 'IOLITE_INSPECT_TOKEN';

interface Flags {
  readonly once?: true;
  readonly json?: true;
  readonly token?: string;
}

/** Adds `iolite top` to the program. */
export function defineTop(program: Command): void {
  program
    .command('top')
    .description(
      'Show what a server (iolite serve) does, once a second: q ends it.\n' +
        'A server of yours on this machine is found by itself; without a terminal there is one report.',
    )
    .argument('[server]', 'process id of its primary, or the address of its inspector (--inspect)')
    .option('--once', 'one report, of a second')
    .option('--json', 'one look, as JSON')
    .option('--token <token>', `that the inspector wants (default: ${TOKEN_VARIABLE} of the environment)`)
    .action(async (server: string | undefined, flags: Flags) => {
      process.exitCode = await run(server, flags);
    });
}

/** @returns the exit code */
async function run(server: string | undefined, flags: Flags): Promise<number> {
  try {
    using source = await sourceOf(server, flags.token ?? (process.env[TOKEN_VARIABLE] || undefined));
    if (flags.json === true) {
      console.log(JSON.stringify(await source.read(), null, 2));
    } else if (flags.once === true || !process.stdout.isTTY || !process.stdin.isTTY) {
      console.log(await reportOf(source));
    } else await watch(source);
    return 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    complain(error.message);
    return 1;
  }
}

async function sourceOf(server: string | undefined, token: string | undefined): Promise<StatusSource> {
  const isPid = server === undefined || /^\d+$/.test(server);
  return isPid
    ? connectToServer(server === undefined ? undefined : Number(server))
    : inspectorAt(server, token);
}

/** What happens in a second, as text. */
async function reportOf(source: StatusSource): Promise<string> {
  const before = await source.read();
  let now = before;
  // What was found out last may be given again.
  while (now.time === before.time) {
    await setTimeout(PERIOD_MS);
    now = await source.read();
  }
  const rates = ratesBetween(before, now);
  return topReport(now, rates, [], REPORT_COLUMNS)
    .map(({ text }) => text.trimEnd())
    .join('\n');
}

/** Shows it in the terminal until the user ends it. */
async function watch(source: StatusSource): Promise<void> {
  let before: InspectorStatus | undefined;
  let rates: Rates | undefined;
  const history: number[] = [];
  const first = await source.read();
  const draw = (): void => {
    if (before !== undefined) screen.show(topReport(before, rates, history, screen.columns));
  };
  using screen = new TopScreen(process.stdin, process.stdout, draw);
  let isOver = false;
  const ended = screen.ended.then(() => {
    isOver = true;
    return undefined;
  });
  let status: InspectorStatus | undefined = first;
  while (!isOver && status !== undefined) {
    if (before !== undefined && status.time !== before.time) {
      rates = ratesBetween(before, status);
      history.push(rates.requests);
      if (history.length > KEPT_RATES) history.shift();
    }
    before = status;
    draw();
    await Promise.race([ended, setTimeout(PERIOD_MS)]);
    // An answer may take long, where the machine is busy: nobody waits for it who wants to go.
    status = isOver ? undefined : await Promise.race([ended, source.read()]);
  }
}
