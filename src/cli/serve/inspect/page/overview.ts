import {
  ageText,
  type BarScale,
  barScale,
  bytesText,
  countText,
  partText,
  type Rates,
  secondsText,
} from '../figures.ts';
import type { InspectorStatus, ProcessStatus } from '../inspector-status.ts';
import { at, LiveList, LiveTable, make, put } from './dom.ts';

interface Figure {
  readonly value: HTMLElement;
  readonly more: HTMLElement;
}

const PROCESS_HEADS = [
  'process',
  'pid',
  'PSS',
  'RSS',
  'heap',
  'chunks',
  'leased',
  'CPU',
  'loop delay',
  'requests',
];
const APPLICATION_HEADS = ['application or proxy', 'waiting', 'under way', 'requests', 'restarts'];

/** What the page shows besides tiles, curves and files. */
export class Overview {
  readonly #figures = new Map<string, Figure>();
  readonly #bars = new Map<string, { fill: HTMLElement; amount: HTMLElement }>();
  readonly #processes = new LiveTable(at('processes'), 'Processes', PROCESS_HEADS);
  readonly #applications = new LiveTable(at('applications'), 'Applications and proxies', APPLICATION_HEADS);
  readonly #facts = new Map<string, LiveList>();
  #before: InspectorStatus | undefined;

  /** @param rates undefined at the first look */
  show(status: InspectorStatus, rates: Rates | undefined): void {
    const ready = status.isReady ? '' : ' · not ready';
    const { version, node, uptime, took } = status;
    put(
      at('about'),
      `${version} · Node.js ${node} · up ${ageText(uptime)} · found out in ${took} ms${ready}`,
    );
    this.#showKey(status, rates);
    this.#showCopy(status);
    this.#showProcesses(status, rates);
    this.#showApplications(status);
    this.#showFacts(status, rates);
    this.#before = status;
  }

  #showKey({ cache, requests, connections }: InspectorStatus, rates: Rates | undefined): void {
    const all = requests.reduce((sum, { count }) => sum + count, 0);
    this.#put(
      'Requests a second',
      rates === undefined ? '–' : countText(rates.requests),
      `${countText(all)} in all`,
    );
    this.#put(
      'Sent a second',
      rates === undefined ? '–' : bytesText(rates.bytes),
      `${countText(connections)} connections`,
    );
    const reads = cache.hits + cache.misses;
    this.#put(
      'Hits',
      partText(reads === 0 ? undefined : cache.hits / reads),
      `${partText(rates?.hitPart)} just now`,
    );
    this.#put('Median answer', secondsText(rates?.p50), `99 % within ${secondsText(rates?.p99)}`);
    this.#put('Cached once', bytesText(cache.content), `${countText(cache.entries)} entries`);
    this.#put(
      'Budget used',
      partText(cache.budget === 0 ? undefined : this.#charged(cache) / cache.budget),
      `of ${bytesText(cache.budget)}`,
    );
  }

  #charged({ states }: InspectorStatus['cache']): number {
    return states.filter(({ name }) => name !== 'room').reduce((sum, { value }) => sum + value, 0);
  }

  #put(name: string, value: string, more: string): void {
    let figure = this.#figures.get(name);
    if (figure === undefined) {
      figure = { value: make('div', { class: 'value' }), more: make('div', { class: 'more' }) };
      at('key').append(
        make('div', { class: 'figure' }, make('div', { class: 'name' }, name), figure.value, figure.more),
      );
      this.#figures.set(name, figure);
    }
    put(figure.value, value);
    put(figure.more, more);
  }

  #showCopy({ memory: { once, copies }, cache, processes }: InspectorStatus): void {
    const serving = processes.filter(({ role }) => role !== 'primary').length;
    const saved = copies - once;
    const text = at('copy-text');
    put(
      text,
      copies === 0
        ? 'Nothing is mapped by others yet.'
        : `${bytesText(once)} of memory hold what would be ${bytesText(copies)} in copies of ${serving} ` +
            `${serving === 1 ? 'process' : 'processes'}${saved > 0 ? `: ${bytesText(saved)} spared` : ''}.`,
    );
    const scale = barScale([once, copies], cache.budget);
    this.#bar('one copy', once, scale, 'one');
    this.#bar('a copy each', copies, scale, 'three');
    this.#bar('allowed just now', cache.allowance, scale, 'faint');
    this.#bar('budget', cache.budget, scale, 'faint');
    put(at('copy-scale'), scale.note ?? '');
  }

  #bar(name: string, bytes: number, scale: BarScale, colour: string): void {
    let bar = this.#bars.get(name);
    if (bar === undefined) {
      bar = { fill: make('div', { class: 'fill' }), amount: make('div', { class: 'amount' }) };
      bar.fill.style.background = `var(--${colour})`;
      at('copy-bars').append(
        make(
          'div',
          { class: 'bar' },
          make('div', {}, name),
          make('div', { class: 'track' }, bar.fill),
          bar.amount,
        ),
      );
      this.#bars.set(name, bar);
    }
    bar.fill.style.width = `${Math.min(100, (100 * bytes) / scale.bytes)}%`;
    bar.fill.classList.toggle('beyond', bytes > scale.bytes);
    put(bar.amount, bytesText(bytes));
  }

  #showProcesses({ processes }: InspectorStatus, rates: Rates | undefined): void {
    const text = (bytes: number | undefined): string => (bytes === undefined ? '–' : bytesText(bytes));
    this.#processes.show(
      processes.map(each => [
        String(each.pid),
        [
          each.role,
          String(each.pid),
          text(each.pss),
          text(each.rss),
          text(each.heap),
          countText(each.chunks),
          bytesText(each.held),
          this.#load(each, rates),
          secondsText(each.late),
          each.requests === undefined ? '–' : countText(each.requests),
        ],
      ]),
    );
  }

  /** The part of a processor that it has used. */
  #load({ pid, cpu }: ProcessStatus, rates: Rates | undefined): string {
    const before = this.#before?.processes.find(each => each.pid === pid)?.cpu;
    if (cpu === undefined || before === undefined || rates === undefined) return '–';
    return `${Math.max(0, Math.round((100 * (cpu - before)) / rates.seconds))} %`;
  }

  #showApplications({ applications }: InspectorStatus): void {
    at('applications-panel').hidden = applications.length === 0;
    this.#applications.show(
      applications.map(({ name, queued, active, requests, restarts }) => [
        name,
        [
          name,
          countText(queued),
          active === undefined ? '–' : countText(active),
          requests === undefined ? '–' : countText(requests),
          countText(restarts),
        ],
      ]),
    );
  }

  #showFacts(status: InspectorStatus, rates: Rates | undefined): void {
    const { cache, requests, proxy, channels, logDropped, memory } = status;
    this.#list('Answers', [
      ...requests.map(({ status: code, lane, count }) => [`${code} by ${lane}`, countText(count)] as const),
      ...(rates?.byLane ?? []).map(({ name, value }) => [`${name}, a second`, countText(value)] as const),
      ['not in the log', countText(logDropped)],
    ]);
    this.#list('Cache', [
      ['policy', cache.policy],
      ['hits', countText(cache.hits)],
      ['misses', countText(cache.misses)],
      ['read from the disk', countText(cache.diskReads)],
      ['evicted', countText(cache.evictions)],
      ['given out, not kept', countText(cache.uncached)],
    ]);
    this.#list('Memory', [
      ...cache.states.map(({ name, value }) => [`cache, ${name}`, bytesText(value)] as const),
      ['system, used', memory.used === undefined ? '–' : bytesText(memory.used)],
      ['system, limit', memory.limit === undefined ? '–' : bytesText(memory.limit)],
    ]);
    if (proxy.length > 0)
      this.#list(
        'Proxy',
        proxy.map(each => [each.status, countText(each.count)] as const),
      );
    this.#list('Channels', [
      ...channels.map(({ name, value }) => [nameOfFigure(name), countText(value)] as const),
    ]);
  }

  #list(title: string, pairs: readonly (readonly [string, string])[]): void {
    let list = this.#facts.get(title);
    if (list === undefined) {
      const id = `facts-${title.toLowerCase().replaceAll(' ', '-')}`;
      const place = make('dl');
      at('facts').append(
        make('section', { class: 'panel', 'aria-labelledby': id }, make('h2', { id }, title), place),
      );
      list = new LiveList(place);
      this.#facts.set(title, list);
    }
    list.show(pairs);
  }
}

/** The end of the name of a metric, as words. */
function nameOfFigure(name: string): string {
  return name === 's' ? 'open' : name.replaceAll('_', ' ').replace(/ total$/, '');
}
