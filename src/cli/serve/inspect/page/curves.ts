import uPlot from 'uplot';
import { countText, type Rates, secondsText } from '../figures.ts';
import { at, make, put, shade } from './dom.ts';

/** Looks that are shown: five minutes of them. */
const KEPT_LOOKS = 300;
/** Pixels, as the style sheet has it. */
const HEIGHT = 0xb8;
/** Of the time that is shown, at least. */
const LEAST_SECONDS = 60;

/** A curve: what it is called, its colour in the style sheet, and its value in a look. */
type Curve = readonly [name: string, colour: string, value: (rates: Rates) => number | null];

const statusRate =
  (name: string) =>
  (rates: Rates): number | null =>
    // No line for what has never happened: at 0 it would hide the others.
    rates.byStatus.find(each => each.name === name)?.value ?? null;

const RATES: readonly Curve[] = [
  ['2xx', 'one', statusRate('2xx')],
  ['3xx', 'two', statusRate('3xx')],
  ['4xx', 'three', statusRate('4xx')],
  ['5xx', 'four', statusRate('5xx')],
];
const TIMES: readonly Curve[] = [
  ['p50', 'one', rates => rates.p50 ?? null],
  ['p90', 'two', rates => rates.p90 ?? null],
  ['p99', 'three', rates => rates.p99 ?? null],
];

/** Curves over the last minutes, in one frame. */
class Chart {
  readonly #frame: HTMLElement;
  readonly #title: string;
  readonly #least: number;
  readonly #curves: readonly Curve[];
  readonly #text: (value: number) => string;
  readonly #data: (number | null)[][];
  readonly #values: readonly HTMLElement[];
  #plot: uPlot | undefined;

  /** @param name what the ids of its elements begin with @param least that its height stands for */
  constructor(name: string, least: number, curves: readonly Curve[], text: (value: number) => string) {
    this.#frame = at(`${name}-curve`);
    this.#frame.setAttribute('role', 'img');
    this.#title = at(`${name}-title`).textContent ?? '';
    this.#least = least;
    this.#curves = curves;
    this.#text = text;
    this.#data = [[], ...curves.map(() => [])];
    this.#values = curves.map(() => make('b'));
    at(`${name}-legend`).replaceChildren(
      ...curves.map(([label, colour], index) => {
        const mark = make('i');
        mark.style.background = `var(--${colour})`;
        return make('li', {}, mark, `${label} `, this.#values[index] as HTMLElement);
      }),
    );
    this.draw();
    new ResizeObserver(() => {
      const { clientWidth: width } = this.#frame;
      if (width > 0 && width !== this.#plot?.width) this.#plot?.setSize({ width, height: HEIGHT });
    }).observe(this.#frame);
  }

  add(time: number, rates: Rates): void {
    this.#data[0]?.push(time);
    this.#curves.forEach(([, , value], index) => {
      this.#data[index + 1]?.push(value(rates));
    });
    for (const row of this.#data) if (row.length > KEPT_LOOKS) row.shift();
    this.#plot?.setData(this.#data as uPlot.AlignedData);
    this.#say();
    const said = this.#curves.map(([name, , value]) => `${name} ${this.#text(value(rates) ?? 0)}`);
    this.#frame.setAttribute('aria-label', `${this.#title}, the last minutes. Now: ${said.join(', ')}`);
  }

  /** Anew, in the colours that there are now. */
  draw(): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), this.#data as uPlot.AlignedData, this.#frame);
  }

  /** The time that is shown, in seconds. */
  #span(): uPlot.Range.MinMax {
    const [times = []] = this.#data;
    const last = times.at(-1) ?? 0;
    return [Math.min(times[0] ?? last, last - LEAST_SECONDS), last];
  }

  /** The values where the pointer is, or the last. */
  #say(): void {
    const index = this.#plot?.cursor.idx ?? (this.#data[0]?.length ?? 0) - 1;
    this.#values.forEach((element, curve) => {
      const value = this.#data[curve + 1]?.[index];
      put(element, value === null || value === undefined ? '–' : this.#text(value));
    });
  }

  #options(): uPlot.Options {
    const axis = { stroke: shade('soft'), ticks: { show: false }, font: '12px system-ui, sans-serif' };
    return {
      width: Math.max(200, this.#frame.clientWidth),
      height: HEIGHT,
      padding: [8, 30, 0, 0],
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      legend: { show: false },
      hooks: { setCursor: [() => this.#say()] },
      scales: {
        // By the looks themselves: of a single one uPlot would make a range of years.
        x: { range: () => this.#span() },
        y: { range: (_, __, most) => [0, Math.max(this.#least, 1.1 * (most ?? 0))] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 90,
          values: (_, splits) =>
            this.#data[0]?.length === 0
              ? []
              : splits.map(each => new Date(each * 1000).toLocaleTimeString('en-GB')),
        },
        {
          ...axis,
          grid: { stroke: shade('line'), width: 1 },
          size: 62,
          space: 34,
          values: (_, splits) => splits.map(each => (each === 0 ? '0' : this.#text(each))),
        },
      ],
      series: [
        {},
        ...this.#curves.map(([label, colour]) => ({
          label,
          stroke: shade(colour),
          width: 1.75,
          points: { show: false },
        })),
      ],
    };
  }
}

/** The curves of the page. */
export class Curves {
  readonly #charts = [new Chart('rate', 10, RATES, countText), new Chart('time', 0.001, TIMES, secondsText)];

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#charts) chart.draw();
    });
  }

  add(time: number, rates: Rates): void {
    for (const chart of this.#charts) chart.add(time / 1000, rates);
  }
}
