/** The drawing of a hall's plan: where it puts seats, and what else it shows (docs/halls.md, "The drawing"). */

import type { Box } from "./geometry";
import type { Seating } from "./layout";

type Line = readonly number[];

interface Raw {
  readonly shape: string;
  readonly x: number;
  readonly y: number;
  readonly width?: number;
  readonly height?: number;
  readonly radius_x?: number;
  readonly radius_y?: number;
  readonly points?: readonly (readonly [number, number])[];
  readonly rotation?: number;
  readonly text?: string;
  readonly text_size?: number;
}

/** A shape in seats. Its outline is empty if it is only a text. */
export interface Shape {
  readonly outline: readonly (readonly [number, number])[];
  readonly text: string;
  readonly textSize: number;
  readonly box: Box;
}

export interface Drawn {
  /** Rows that the drawing does not place. */
  readonly missing: readonly number[];
  readonly shapes: readonly Shape[];
}

/** Fill in the places of the seats that the hall's drawing places. Return null if it places none. */
export function drawnPlaces(seating: Seating, x: Float32Array, y: Float32Array): Drawn | null {
  const drawing = seating.layout.drawing as { rows?: Line[][]; shapes?: Raw[] } | null;
  const rows = drawing?.rows;
  if (!rows?.some((lines) => lines.length)) return null;
  const pitch = pitchOf(rows);
  const missing: number[] = [];
  seating.rows.forEach(({ first }, row) => {
    const lines = rows[row] ?? [];
    if (lines.reduce((sum, line) => sum + (line[0] ?? 0), 0) !== seating.width(row)) missing.push(row);
    else placeLines(lines, first, pitch, x, y);
  });
  return { missing, shapes: (drawing?.shapes ?? []).map((shape) => shapeOf(shape, pitch)) };
}

function placeLines(
  lines: readonly Line[],
  first: number,
  pitch: number,
  x: Float32Array,
  y: Float32Array,
): void {
  let seat = first;
  for (const [seats = 0, x1 = 0, y1 = 0, x2 = x1, y2 = y1] of lines) {
    for (let nth = 0; nth < seats; nth++) {
      const part = seats > 1 ? nth / (seats - 1) : 0;
      x[seat] = (x1 + (x2 - x1) * part) / pitch;
      y[seat] = (y1 + (y2 - y1) * part) / pitch;
      seat += 1;
    }
  }
}

/** Return the usual distance of neighbours, or of rows where these are closer. */
function pitchOf(rows: readonly (readonly Line[])[]): number {
  const along = rows.flat().flatMap(([seats = 0, x1 = 0, y1 = 0, x2 = x1, y2 = y1]) => {
    const distance = Math.hypot(x2 - x1, y2 - y1) / Math.max(1, seats - 1);
    return seats > 1 && distance > 0 ? [distance] : [];
  });
  const usual = median(along) ?? 20;
  const starts = rows.flatMap((lines) => (lines[0] ? [lines[0]] : []));
  const between = starts.slice(1).flatMap(([, x = 0, y = 0], nth) => {
    const [, x0 = 0, y0 = 0] = starts[nth] ?? [];
    const distance = Math.hypot(x - x0, y - y0);
    return distance > usual / 2 && distance < usual * 2 ? [distance] : [];
  });
  return Math.min(usual, median(between) ?? usual);
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}

function shapeOf(raw: Raw, pitch: number): Shape {
  const turn = ((raw.rotation ?? 0) * Math.PI) / 180;
  const outline = points(raw).map(([dx, dy]): [number, number] => [
    (raw.x + dx * Math.cos(turn) - dy * Math.sin(turn)) / pitch,
    (raw.y + dx * Math.sin(turn) + dy * Math.cos(turn)) / pitch,
  ]);
  const xs = outline.length ? outline.map(([x]) => x) : [raw.x / pitch];
  const ys = outline.length ? outline.map(([, y]) => y) : [raw.y / pitch];
  return {
    outline,
    text: raw.text ?? "",
    textSize: (raw.text_size ?? pitch) / pitch,
    box: { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) },
  };
}

/** Return the corners of a shape, from its place. */
function points(raw: Raw): readonly (readonly [number, number])[] {
  const { width = 0, height = 0, radius_x = 0, radius_y = 0 } = raw;
  if (raw.shape === "rectangle")
    return [
      [0, 0],
      [width, 0],
      [width, height],
      [0, height],
    ];
  if (raw.shape === "polygon") return raw.points ?? [];
  if (raw.shape !== "ellipse") return [];
  return Array.from({ length: 48 }, (_, nth) => {
    const angle = (nth / 24) * Math.PI;
    return [radius_x * Math.cos(angle), radius_y * Math.sin(angle)] as const;
  });
}
