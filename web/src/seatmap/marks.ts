/** The shapes of categories: each has its own besides its colour, on the canvas and in the legend. */

export const COLOURS = 8;

/** The corners of each category's shape around its middle, in half seats; null is a circle. */
const SHAPES: readonly (readonly (readonly [number, number])[] | null)[] = [
  [
    [-0.86, -0.86],
    [0.86, -0.86],
    [0.86, 0.86],
    [-0.86, 0.86],
  ],
  null,
  [
    [0, -1.08],
    [1.08, 0],
    [0, 1.08],
    [-1.08, 0],
  ],
  [
    [-0.5, -0.9],
    [0.5, -0.9],
    [1, 0],
    [0.5, 0.9],
    [-0.5, 0.9],
    [-1, 0],
  ],
  [
    [-0.86, -0.86],
    [0.86, -0.86],
    [0.86, 0.35],
    [0, 0.95],
    [-0.86, 0.35],
  ],
  [
    [-0.45, -0.86],
    [0.95, -0.86],
    [0.45, 0.86],
    [-0.95, 0.86],
  ],
  [
    [0, -0.95],
    [0.86, -0.35],
    [0.86, 0.86],
    [-0.86, 0.86],
    [-0.86, -0.35],
  ],
];

/** Add a category's shape to a path. Args: half: half a seat's width, in pixels. */
export function trace(path: Path2D, category: number, x: number, y: number, half: number): void {
  const corners = SHAPES[category % SHAPES.length];
  if (!corners) {
    path.moveTo(x + half, y);
    path.arc(x, y, half, 0, 2 * Math.PI);
    return;
  }
  corners.forEach(([dx, dy], nth) => {
    if (nth) path.lineTo(x + dx * half, y + dy * half);
    else path.moveTo(x + dx * half, y + dy * half);
  });
  path.closePath();
}

/** Return a category's shape as the points of an SVG polygon around 0, 0; null is a circle. */
export function polygon(category: number, half: number): string | null {
  const corners = SHAPES[category % SHAPES.length];
  return corners ? corners.map(([x, y]) => `${x * half},${y * half}`).join(" ") : null;
}
