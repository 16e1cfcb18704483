import uPlot from 'uplot';
import { countText, type Rates, secondsText } from '../figures.ts';
import { at, shade } from './dom.ts';

/** Looks that are shown: five minutes of them. */
const KEPT_LOOKS = 300;
const HEIGHT_PX = 184;

/** A curve: what it is called, its colour in the style sheet, and its value in a look. */
type Curve = readonly [name: string, colour: string, value: (rates: Rates) => number | null];

const statusRate =
  (name: string) =>
  (rates: Rates): number =>
    rates.byStatus.find(each => each.name === name)?.value ?? 0;

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
  readonly #curves: readonly Curve[];
  readonly #text: (value: number) => string;
  readonly #data: (number | null)[][];
  #plot: uPlot | undefined;

  constructor(frame: HTMLElement, curves: readonly Curve[], text: (value: number) => string) {
    this.#frame = frame;
    this.#curves = curves;
    this.#text = text;
    this.#data = [[], ...curves.map(() => [])];
    this.draw();
    new ResizeObserver(() => {
      const { clientWidth: width } = frame;
      if (width > 0 && width !== this.#plot?.width) this.#plot?.setSize({ width, height: HEIGHT_PX });
    }).observe(frame);
  }

  add(time: number, rates: Rates): void {
    this.#data[0]?.push(time);
    this.#curves.forEach(([, , value], index) => {
      this.#data[index + 1]?.push(value(rates));
    });
    for (const row of this.#data) if (row.length > KEPT_LOOKS) row.shift();
    // The window is the same from the start: what moves is the time.
    this.#plot?.batch(() => {
      this.#plot?.setData(this.#data as uPlot.AlignedData, false);
      this.#plot?.setScale('x', { min: time - KEPT_LOOKS, max: time });
    });
    const said = this.#curves.map(([name, , value]) => `${name} ${this.#text(value(rates) ?? 0)}`);
    this.#frame.setAttribute('aria-label', `Curves of the last five minutes. Now: ${said.join(', ')}`);
  }

  /** Anew, in the colours that there are now. */
  draw(): void {
    this.#plot?.destroy();
    const axis = { stroke: shade('soft'), ticks: { show: false }, font: '12px system-ui, sans-serif' };
    const grid = { stroke: shade('line'), width: 1 };
    const options: uPlot.Options = {
      width: Math.max(200, this.#frame.clientWidth),
      height: HEIGHT_PX,
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      legend: { live: true },
      scales: { y: { range: (_, __, most) => [0, Math.max(most ?? 0, Number.MIN_VALUE) * 1.1 || 1] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 70,
          values: [[1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1]],
        },
        {
          ...axis,
          grid,
          size: 62,
          space: 34,
          values: (_, splits) => splits.map(value => (value === 0 ? '0' : this.#text(value))),
        },
      ],
      series: [
        {
          label: 'at',
          value: (_, value) => (value === null ? '' : new Date(value * 1000).toLocaleTimeString()),
        },
        ...this.#curves.map(([label, colour]) => ({
          label,
          stroke: shade(colour),
          width: 1.75,
          points: { show: false },
          value: (_: uPlot, value: number | null) => (value === null ? '' : this.#text(value)),
        })),
      ],
    };
    this.#plot = new uPlot(options, this.#data as uPlot.AlignedData, this.#frame);
  }
}

/** The curves of the page. */
export class Curves {
  readonly #charts = [
    new Chart(at('rate-curve'), RATES, countText),
    new Chart(at('time-curve'), TIMES, secondsText),
  ];

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#charts) chart.draw();
    });
  }

  add(time: number, rates: Rates): void {
    for (const chart of this.#charts) chart.add(time / 1000, rates);
  }
}
