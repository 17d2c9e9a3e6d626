/** Paths of SVG, in boxes 1000 wide and 100 high that are stretched to their place. */

export const WIDTH = 1000;
export const HEIGHT = 100;
const COLUMNS = 500;

/**
 * The envelope of a waveform, from its lowest to its highest sample in each column.
 *
 * @param {Float32Array} samples
 */
export function envelope(samples) {
  const columns = Math.min(COLUMNS, samples.length);
  const extremes = Array.from({ length: columns }, (_, column) => {
    const part = samples.subarray((column * samples.length) / columns, ((column + 1) * samples.length) / columns);
    return [Math.min(...part), Math.max(...part)];
  });
  const peak = Math.max(1e-6, ...extremes.flat().map(Math.abs));
  const y = (value) => (HEIGHT / 2) * (1 - (0.96 * value) / peak);
  const x = (column) => ((column + 0.5) * WIDTH) / columns;
  const above = extremes.map(([, high], column) => `${x(column).toFixed(1)},${y(high).toFixed(1)}`);
  const below = extremes.map(([low], column) => `${x(column).toFixed(1)},${y(low).toFixed(1)}`).reverse();
  return `M${above.join("L")}L${below.join("L")}Z`;
}

/** Strokes of a level meter: the last of `levels`, 0 to 1, at the right. */
export function meter(levels, places) {
  return levels
    .slice(-places)
    .map((level, place, shown) => {
      const x = (WIDTH * (places - shown.length + place + 0.5)) / places;
      const half = Math.max(1, 48 * Math.sqrt(Math.min(1, level)));
      return `M${x.toFixed(1)},${(50 - half).toFixed(1)}V${(50 + half).toFixed(1)}`;
    })
    .join("");
}

/**
 * A curve through points, continued flat to both ends.
 *
 * @param {{ x: number, y: number }[]} points x along the recording and y upwards, both 0 to 1
 */
export function line(points) {
  return `M${within(points, 0, 1).map(placed).join("L")}`;
}

/** The area under a curve, see `line`, between two places of it. */
export function area(points, from = 0, to = 1) {
  const top = within(points, from, to).map(placed).join("L");
  return `M${from * WIDTH},${HEIGHT}L${top}L${to * WIDTH},${HEIGHT}Z`;
}

function within(points, from, to) {
  const inside = points.filter(({ x }) => x > from && x < to);
  return [{ x: from, y: heightAt(points, from) }, ...inside, { x: to, y: heightAt(points, to) }];
}

function heightAt(points, x) {
  const next = points.findIndex((point) => point.x >= x);
  if (next === -1) return points.at(-1).y;
  if (next === 0) return points[0].y;
  const [left, right] = [points[next - 1], points[next]];
  return left.y + ((right.y - left.y) * (x - left.x)) / (right.x - left.x);
}

function placed({ x, y }) {
  return `${(x * WIDTH).toFixed(1)},${(HEIGHT * (1 - y)).toFixed(1)}`;
}
