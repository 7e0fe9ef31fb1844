/** Where seats are. All lengths are in seats: neighbours are 1 apart. x grows to the right, y away from the stage. */

import { drawnPlaces, type Shape } from "./drawing";
import { at, type Seating } from "./layout";

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Part {
  /** Empty in a hall without sections. */
  readonly name: string;
  readonly box: Box;
  readonly firstRow: number;
}

export interface Places {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Everything that is drawn. */
  readonly bounds: Box;
  readonly parts: readonly Part[];
  /** Where the stage is, if the hall has no drawing of its own. */
  readonly stage: Box | null;
  readonly shapes: readonly Shape[];
}

export const ROW_PITCH = 1.3;
const AISLE = 1;
const GAP = 3;
const HEADING = 2;

interface Group {
  readonly rows: number[];
  readonly width: number;
  readonly height: number;
}

/** Return the places of a hall's seats: those of its drawing, or else rows before a stage. */
export function placesOf(seating: Seating): Places {
  const x = new Float32Array(seating.seats);
  const y = new Float32Array(seating.seats);
  const drawn = drawnPlaces(seating, x, y);
  if (!drawn) arrange(seating, x, y);
  else placeBelow(seating, drawn.missing, x, y);
  const parts = partsOf(seating, x, y);
  const around = union(parts.map((part) => part.box));
  const stage = drawn ? null : stageBefore(around);
  const bounds = union([
    around,
    ...(stage ? [stage] : []),
    ...(drawn?.shapes.map((shape) => shape.box) ?? []),
  ]);
  return { x, y, bounds: grow(bounds, 1.5), parts, stage, shapes: drawn?.shapes ?? [] };
}

/** Return where the stage is: before the first row, and so large that it is seen from afar. */
function stageBefore({ left, right, top, bottom }: Box): Box {
  const middle = (left + right) / 2;
  const half = Math.max(3, Math.min((right - left) * 0.25, Math.max(14, (bottom - top) * 0.3)));
  const depth = Math.max(1.6, (bottom - top) * 0.05);
  return { left: middle - half, right: middle + half, top: top - 2 * depth - 0.5, bottom: top - depth - 0.5 };
}

/** Return a row's length, with its aisles. */
function lengthOf(seating: Seating, row: number): number {
  return seating.width(row) + (seating.rows[row]?.aisles.length ?? 0) * AISLE;
}

/** Put sections beside and behind each other so that the hall is about as wide as a screen. */
function arrange(seating: Seating, x: Float32Array, y: Float32Array): void {
  const groups = groupsOf(seating);
  const area = groups.reduce((sum, each) => sum + (each.width + GAP) * (each.height + GAP + HEADING), 0);
  const widest = Math.max(Math.sqrt(area * 1.6), ...groups.map((each) => each.width));
  const shelf: Group[] = [];
  let top = 0;
  const close = () => {
    let left = -shelf.reduce((sum, each) => sum + each.width + GAP, -GAP) / 2;
    for (const group of shelf) {
      placeGroup(seating, group, left, top, shelf.length === 1, x, y);
      left += group.width + GAP;
    }
    top += Math.max(...shelf.map((each) => each.height)) + GAP + (groups.length > 1 ? HEADING : 0);
    shelf.length = 0;
  };
  for (const group of groups) {
    const used = shelf.reduce((sum, each) => sum + each.width + GAP, 0);
    if (shelf.length && used + group.width > widest) close();
    shelf.push(group);
  }
  if (shelf.length) close();
}

function groupsOf(seating: Seating): Group[] {
  const keys = [...new Set(seating.rows.map((row) => row.section))];
  return keys.map((key) => {
    const rows = seating.rows.flatMap((row, number) => (row.section === key ? [number] : []));
    const width = Math.max(1, ...rows.map((row) => lengthOf(seating, row)));
    return { rows, width, height: rows.length * ROW_PITCH };
  });
}

function placeGroup(
  seating: Seating,
  group: Group,
  left: number,
  top: number,
  curved: boolean,
  x: Float32Array,
  y: Float32Array,
): void {
  const half = group.width / 2;
  const depth = curved ? Math.min(2.5, half * 0.15) : 0;
  group.rows.forEach((row, nth) => {
    placeRow(seating, row, left + half, top + nth * ROW_PITCH, x, y);
    const first = seating.rows[row]?.first ?? 0;
    for (let seat = first; seat < first + seating.width(row); seat++)
      y[seat] = at(y, seat) - depth * ((at(x, seat) - left - half) / half) ** 2;
  });
}

function placeRow(
  seating: Seating,
  row: number,
  middle: number,
  top: number,
  x: Float32Array,
  y: Float32Array,
): void {
  const first = seating.rows[row]?.first ?? 0;
  const aisles = seating.rows[row]?.aisles ?? [];
  let left = middle - lengthOf(seating, row) / 2 + 0.5;
  for (let place = 0; place < seating.width(row); place++) {
    if (aisles.includes(place)) left += AISLE;
    x[first + place] = left++;
    y[first + place] = top;
  }
}

/** Put rows that a drawing does not place below all others. */
function placeBelow(seating: Seating, rows: readonly number[], x: Float32Array, y: Float32Array): void {
  if (!rows.length) return;
  const unplaced = new Set(rows);
  let bottom = 0;
  let middle = 0;
  for (let seat = 0; seat < seating.seats; seat++)
    if (!unplaced.has(at(seating.rowOf, seat))) {
      bottom = Math.max(bottom, at(y, seat));
      middle = Math.max(middle, at(x, seat));
    }
  rows.forEach((row, nth) => {
    placeRow(seating, row, middle / 2, bottom + GAP + nth * ROW_PITCH, x, y);
  });
}

function emptyBox() {
  return { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
}

function partsOf(seating: Seating, x: Float32Array, y: Float32Array): Part[] {
  const keys = [...new Set(seating.rows.map((row) => row.section))];
  const boxes = new Map(keys.map((key) => [key, emptyBox()]));
  for (let seat = 0; seat < seating.seats; seat++) {
    const box = boxes.get(seating.row(seat).section);
    if (!box) continue;
    box.left = Math.min(box.left, at(x, seat) - 0.5);
    box.right = Math.max(box.right, at(x, seat) + 0.5);
    box.top = Math.min(box.top, at(y, seat) - 0.5);
    box.bottom = Math.max(box.bottom, at(y, seat) + 0.5);
  }
  return keys.map((key) => ({
    name: seating.layout.sections.find((each) => each.key === key)?.name ?? "",
    box: boxes.get(key) as Box,
    firstRow: seating.rows.findIndex((row) => row.section === key),
  }));
}

export function union(boxes: readonly Box[]): Box {
  if (!boxes.length) return { left: 0, top: 0, right: 1, bottom: 1 };
  return {
    left: Math.min(...boxes.map((box) => box.left)),
    top: Math.min(...boxes.map((box) => box.top)),
    right: Math.max(...boxes.map((box) => box.right)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
}

export function grow(box: Box, by: number): Box {
  return { left: box.left - by, top: box.top - by, right: box.right + by, bottom: box.bottom + by };
}
