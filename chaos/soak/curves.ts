/** Something that was measured again and again. */
export interface Curve {
  readonly name: string;
  readonly values: readonly number[];
}

const WIDTH = 0x3c0;
const HEIGHT = 0xa0;
const MARGIN = 0x20;

/** Each curve as a picture of its own, one below the other: SVG. */
export function svgOf(curves: readonly Curve[]): string {
  const height = curves.length * (HEIGHT + MARGIN) + MARGIN;
  const pictures = curves.map((curve, at) => pictureOf(curve, MARGIN + at * (HEIGHT + MARGIN)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}"`,
    `  font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...pictures,
    '</svg>\n',
  ].join('\n');
}

function pictureOf({ name, values }: Curve, top: number): string {
  const most = Math.max(1, ...values);
  const width = WIDTH - 2 * MARGIN;
  const points = values.map((value, at) => {
    const x = MARGIN + (width * at) / Math.max(1, values.length - 1);
    return `${x.toFixed(1)},${(top + HEIGHT - (HEIGHT * value) / most).toFixed(1)}`;
  });
  return [
    `<text x="${MARGIN}" y="${top - 4}">${name}, at most ${most.toLocaleString('en')}</text>`,
    `<rect x="${MARGIN}" y="${top}" width="${width}" height="${HEIGHT}" fill="none" stroke="#ccc"/>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#06c"/>`,
  ].join('\n');
}

/** Curves as a table: a line for each step, a column for each curve. */
export function csvOf(curves: readonly Curve[]): string {
  const rows = (curves[0]?.values ?? []).map((_, at) => curves.map(({ values }) => values[at]).join(','));
  return [curves.map(({ name }) => name).join(','), ...rows, ''].join('\n');
}
