/** Views of a hall, which seat is at a point, and where the arrow keys lead. Pure. */

import type { Hall } from "./layout";
import { FREE } from "./states";

/** Which part of the hall is seen: pixels = (hall - offset) * scale. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Return the view that shows the whole hall in the middle. */
export function wholeHall(hall: Size, canvas: Size): View {
  const scale = Math.min(canvas.width / hall.width, canvas.height / hall.height);
  return { scale, x: (hall.width - canvas.width / scale) / 2, y: (hall.height - canvas.height / scale) / 2 };
}

/** Return the view after zooming by a factor around a point in pixels, between the whole hall and big seats. */
export function zoomed(
  view: View,
  factor: number,
  at: { x: number; y: number },
  hall: Hall,
  canvas: Size,
): View {
  const least = wholeHall(hall, canvas).scale;
  const most = Math.max(least, 44 / hall.pitch);
  const scale = Math.min(most, Math.max(least, view.scale * factor));
  const x = view.x + at.x / view.scale - at.x / scale;
  const y = view.y + at.y / view.scale - at.y / scale;
  return within({ scale, x, y }, hall, canvas);
}

/** Return the view with the hall in sight: as much of the canvas as it can fill, otherwise in the middle. */
export function within(view: View, hall: Size, canvas: Size): View {
  return {
    scale: view.scale,
    x: clamped(view.x, hall.width, canvas.width / view.scale),
    y: clamped(view.y, hall.height, canvas.height / view.scale),
  };
}

function clamped(offset: number, whole: number, seen: number): number {
  if (seen >= whole) return (whole - seen) / 2;
  return Math.min(whole - seen, Math.max(0, offset));
}

/** Finds seats by their place: a table of square cells, each with its seats. */
export class Places {
  private readonly cell: number;
  private readonly columns: number;
  private readonly cells = new Map<number, number[]>();

  constructor(private readonly hall: Hall) {
    this.cell = hall.pitch * 8;
    this.columns = Math.ceil(hall.width / this.cell) + 1;
    for (let index = 0; index < hall.seats; index += 1) {
      const key = this.key(hall.x[index] ?? 0, hall.y[index] ?? 0);
      const found = this.cells.get(key);
      if (found) found.push(index);
      else this.cells.set(key, [index]);
    }
  }

  /** Return the seat at a point of the hall, or -1: the nearest whose middle is less than 0.6 of a seat away. */
  at(x: number, y: number): number {
    let best = -1;
    let least = (this.hall.pitch * 0.6) ** 2;
    for (const index of this.between(
      x - this.hall.pitch,
      y - this.hall.pitch,
      x + this.hall.pitch,
      y + this.hall.pitch,
    )) {
      const distance = ((this.hall.x[index] ?? 0) - x) ** 2 + ((this.hall.y[index] ?? 0) - y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }

  /** Return the seats of a rectangle of the hall, and some around it. */
  *between(left: number, top: number, right: number, bottom: number): Generator<number> {
    for (let row = Math.floor(top / this.cell); row <= Math.floor(bottom / this.cell); row += 1) {
      for (let column = Math.floor(left / this.cell); column <= Math.floor(right / this.cell); column += 1) {
        if (column >= 0 && row >= 0) yield* this.cells.get(row * this.columns + column) ?? [];
      }
    }
  }

  private key(x: number, y: number): number {
    return Math.floor(y / this.cell) * this.columns + Math.floor(x / this.cell);
  }
}

/** Return the seat that a key leads to from another, or null for other keys. Rows end at their ends. */
export function moved(hall: Hall, from: number, key: string, ctrl: boolean, rtl: boolean): number | null {
  const number = hall.rowOf[from] ?? 0;
  const row = hall.rows[number];
  if (!row) return null;
  const last = row.first + row.names.length - 1;
  const forward = rtl ? "ArrowLeft" : "ArrowRight";
  const back = rtl ? "ArrowRight" : "ArrowLeft";
  if (key === forward) return Math.min(last, from + 1);
  if (key === back) return Math.max(row.first, from - 1);
  if (key === "Home") return ctrl ? 0 : row.first;
  if (key === "End") return ctrl ? hall.seats - 1 : last;
  const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5 };
  const step = steps[key];
  return step === undefined ? null : nearestInRow(hall, from, number + step);
}

/** Return the seat of another row that is nearest by its place; rows beyond the last are the last. */
function nearestInRow(hall: Hall, from: number, wanted: number): number {
  const row = hall.rows[Math.min(hall.rows.length - 1, Math.max(0, wanted))];
  if (!row) return from;
  const x = hall.x[from] ?? 0;
  let best = row.first;
  for (let index = row.first; index < row.first + row.names.length; index += 1) {
    if (Math.abs((hall.x[index] ?? 0) - x) < Math.abs((hall.x[best] ?? 0) - x)) best = index;
  }
  return best;
}

/** Return the free seats nearest to some others, so many, of the same kind: alternatives to seats that have gone. */
export function nearest(hall: Hall, states: Uint8Array, to: readonly number[], count: number): number[] {
  const first = to[0];
  if (first === undefined) return [];
  const x = to.reduce((sum, index) => sum + (hall.x[index] ?? 0), 0) / to.length;
  const y = to.reduce((sum, index) => sum + (hall.y[index] ?? 0), 0) / to.length;
  const distance = (index: number) => ((hall.x[index] ?? 0) - x) ** 2 + 2 * ((hall.y[index] ?? 0) - y) ** 2;
  const wanted = (index: number) =>
    states[index] === FREE && hall.kind[index] === hall.kind[first] && !to.includes(index);
  let best: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const run of runs(hall, wanted, count)) {
    const away = run.reduce((sum, each) => sum + distance(each), 0);
    if (away < least) [best, least] = [run, away];
  }
  return best;
}

/** Return all runs of so many wanted seats that are neighbours: of one row, and not across an aisle. */
function* runs(hall: Hall, wanted: (index: number) => boolean, count: number): Generator<number[]> {
  for (const row of hall.rows) {
    let run: number[] = [];
    for (let place = 0; place < row.names.length; place += 1) {
      if (row.aisles.has(place)) run = [];
      run = wanted(row.first + place) ? [...run, row.first + place].slice(-count) : [];
      if (run.length === count) yield run;
    }
  }
}
