/** The inspector's page: asks its server once a second, and shows what it says. */
import { countText, ratesBetween } from '../figures.ts';
import type { InspectorStatus } from '../inspector-status.ts';
import { Curves } from './curves.ts';
import { at, put } from './dom.ts';
import { Files } from './files.ts';
import { Overview } from './overview.ts';
import { ask, askForToken, InspectorRefusal } from './source.ts';
import { Tiles } from './tiles.ts';

const PERIOD_MS = 1000;

let before: InspectorStatus | undefined;
let parts: { overview: Overview; tiles: Tiles; curves: Curves; files: Files } | undefined;

function show(status: InspectorStatus): void {
  // Twice the same where several look at once: there is nothing to be seen between.
  if (status.time === before?.time) return;
  parts ??= { overview: new Overview(), tiles: new Tiles(), curves: new Curves(), files: new Files() };
  const rates = before === undefined ? undefined : ratesBetween(before, status);
  parts.overview.show(status, rates);
  parts.tiles.show(status);
  if (rates !== undefined) {
    parts.curves.add(Date.parse(status.time), rates);
    document.title = `${countText(rates.requests)}/s · iolite`;
  }
  before = status;
}

/** The only part that is read out, and only when it changes. */
function say(trouble: string | undefined): void {
  const state = at('state');
  const since =
    before === undefined ? '' : ` The figures are of ${new Date(before.time).toLocaleTimeString()}.`;
  put(state, trouble === undefined ? 'Live' : `${trouble}${since}`);
  state.className = trouble === undefined ? 'live' : 'failing';
  document.body.classList.toggle('stale', trouble !== undefined && before !== undefined);
}

async function look(): Promise<void> {
  try {
    show(await ask<InspectorStatus>('/status.json'));
    say(undefined);
  } catch (error) {
    if (error instanceof InspectorRefusal && error.status === 401) {
      say('The token is wanted.');
      askForToken(() => void look());
      return;
    }
    say(error instanceof InspectorRefusal ? error.message : 'The server does not answer.');
  }
  setTimeout(next, PERIOD_MS);
}

/** Nothing is asked for a page that nobody sees. */
function next(): void {
  if (!document.hidden) void look();
  else document.addEventListener('visibilitychange', next, { once: true });
}

void look();
