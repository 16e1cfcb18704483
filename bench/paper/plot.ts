/** A line, or the bars of one colour. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** With names the points are bars, side by side at each name; the first name is at 0. */
  readonly names?: readonly string[];
}

const PAGE = { width: 720, height: 400 } as const;
/** Where values are drawn. */
const AREA = { left: 70, top: 44, width: 630, height: 264 } as const;
const TICKS = 5;
/** Ours first; told apart by those who see no red, too, and by their marks. */
const HUES = ['#1f77d0', '#e07b00', '#8a63c9', '#2b9a66'] as const;
const MARKS = [
  (x: number, y: number) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (x: number, y: number) => `<rect x="${x - 3.5}" y="${y - 3.5}" width="7" height="7"/>`,
  (x: number, y: number) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  (x: number, y: number) => `<path d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`,
] as const;

/** A plot as an SVG document, which is readable on a light and on a dark ground. */
export function drawPlot(plot: Plot): string {
  const most = Math.max(0, ...plot.series.flatMap(({ points }) => points.map(([, y]) => y)));
  const yTicks = ticksTo(most);
  const top = yTicks.at(-1) as number;
  const yAt = (y: number): number => round(AREA.top + AREA.height * (1 - y / top));
  const body = plot.names === undefined ? lines(plot, yAt) : bars(plot, plot.names, yAt);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PAGE.width} ${PAGE.height}" role="img"`,
    ` aria-label="${escaped(plot.title)}">`,
    STYLE,
    `<rect class="ground" width="${PAGE.width}" height="${PAGE.height}"/>`,
    text(AREA.left, 24, plot.title, 'class="title"'),
    ...yTicks.flatMap(tick => [
      `<path class="grid" d="M${AREA.left} ${yAt(tick)}h${AREA.width}"/>`,
      text(AREA.left - 8, yAt(tick) + 4, format(tick), 'text-anchor="end"'),
    ]),
    text(
      0,
      0,
      plot.y,
      `text-anchor="middle" transform="translate(18 ${AREA.top + AREA.height / 2}) rotate(-90)"`,
    ),
    text(AREA.left + AREA.width / 2, PAGE.height - 46, plot.x, 'text-anchor="middle"'),
    ...body,
    ...legend(plot.series),
    '</svg>',
  ].join('\n')}\n`;
}

const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-size: 15px; font-weight: 600 }
.ground { fill: #fff } .grid { stroke: #d0d7de } .axis { stroke: #57606a; fill: none }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .ground { fill: #0d1117 } .grid { stroke: #30363d } .axis { stroke: #8b949e }
}
</style>`;

function lines({ series }: Plot, yAt: (y: number) => number): string[] {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const ticks = ticksTo(xs.at(-1) ?? 1);
  const xAt = (x: number): number => round(AREA.left + (AREA.width * x) / (ticks.at(-1) as number));
  return [
    `<path class="axis" d="M${AREA.left} ${AREA.top}v${AREA.height}h${AREA.width}"/>`,
    ...ticks.map(tick => text(xAt(tick), AREA.top + AREA.height + 18, format(tick), 'text-anchor="middle"')),
    ...series.flatMap(({ points }, i) => {
      const path = points.map(([x, y]) => `${xAt(x)} ${yAt(y)}`).join('L');
      const marks = points.map(([x, y]) => markOf(i)(xAt(x), yAt(y))).join('');
      return [`<path class="line" stroke="${hueOf(i)}" d="M${path}"/>`, `<g fill="${hueOf(i)}">${marks}</g>`];
    }),
  ];
}

function bars({ series }: Plot, names: readonly string[], yAt: (y: number) => number): string[] {
  const room = AREA.width / names.length;
  const width = (room * 0.8) / series.length;
  return [
    `<path class="axis" d="M${AREA.left} ${AREA.top}v${AREA.height}h${AREA.width}"/>`,
    // A name takes two lines: what runs, and of how much.
    ...names.flatMap((name, i) =>
      name
        .split(', ')
        .map((part, line) =>
          text(
            AREA.left + room * (i + 0.5),
            AREA.top + AREA.height + 16 + 14 * line,
            part,
            'text-anchor="middle" style="font-size: 11px"',
          ),
        ),
    ),
    ...series.flatMap(({ points }, i) =>
      points.map(([place, y]) => {
        const x = round(AREA.left + room * (place + 0.1) + width * i);
        const at = yAt(y);
        const size = `width="${round(width * 0.92)}" height="${round(AREA.top + AREA.height - at)}"`;
        return `<rect fill="${hueOf(i)}" x="${x}" y="${at}" ${size}/>`;
      }),
    ),
  ];
}

function legend(series: readonly Series[]): string[] {
  let next: number = AREA.left;
  return series.flatMap(({ name }, i) => {
    const x = next;
    // A letter takes about seven.
    next += 46 + 7 * name.length;
    const mark = markOf(i)(round(x + 6), PAGE.height - 18);
    return [`<g fill="${hueOf(i)}">${mark}</g>`, text(round(x + 18), PAGE.height - 14, name)];
  });
}

function hueOf(i: number): string {
  return HUES[i % HUES.length] as string;
}

function markOf(i: number): (x: number, y: number) => string {
  return MARKS[i % MARKS.length] as (x: number, y: number) => string;
}

/** Round numbers from 0 to at least `most`. */
function ticksTo(most: number): number[] {
  const rough = (most || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find(each => each * power >= rough) as number) * power;
  const count = Math.ceil((most || 1) / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`;
}

function format(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}
