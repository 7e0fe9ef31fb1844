/** Draws seats into a tile: batched by colour, as plain squares where they are small. */

import type { Box } from "./geometry";
import { at } from "./layout";
import { trace } from "./marks";
import type { SeatMapModel } from "./model";
import type { Palette } from "./palette";

/** From this size on (CSS pixels a seat), seats have shapes. Below, the overview has squares. */
export const SHAPED = 6;
const NUMBERED = 22;
const SYMBOLS = 12;

export interface Paint {
  readonly ctx: CanvasRenderingContext2D;
  readonly model: SeatMapModel;
  readonly palette: Palette;
  /** Device pixels a seat, and a CSS pixel. */
  readonly scale: number;
  readonly ratio: number;
  /** What is at the tile's left and upper edge, in seats. */
  readonly origin: { readonly x: number; readonly y: number };
}

/** Paint seats. */
export function paintSeats(paint: Paint, seats: readonly number[]): void {
  const { model, palette } = paint;
  const free = new Map<number, number[]>();
  const taken: number[] = [];
  for (const seat of seats) {
    if (!model.isFree(seat)) taken.push(seat);
    else {
      const category = at(model.seating.category, seat);
      const others = free.get(category);
      if (others) others.push(seat);
      else free.set(category, [seat]);
    }
  }
  const small = paint.scale < SHAPED * paint.ratio;
  if (small) paintSquares(paint, taken, palette.takenFill);
  else paintTaken(paint, taken);
  for (const [category, group] of free) {
    const colour = palette.categories[category % palette.categories.length] ?? palette.text;
    if (small) paintSquares(paint, group, colour);
    else paintShapes(paint, group, category, colour);
  }
}

/** Make the cells of seats empty, so that they can be painted again. */
export function clearSeats({ ctx, model, scale, origin }: Paint, seats: readonly number[]): void {
  for (const seat of seats) {
    const x = (at(model.places.x, seat) - origin.x - 0.5) * scale;
    const y = (at(model.places.y, seat) - origin.y - 0.5) * scale;
    ctx.clearRect(Math.floor(x), Math.floor(y), Math.ceil(scale) + 1, Math.ceil(scale) + 1);
  }
}

/** Return the box around what a tile shows, with the seats that reach into it. */
export function reach(box: Box): Box {
  return { left: box.left - 0.5, top: box.top - 0.5, right: box.right + 0.5, bottom: box.bottom + 0.5 };
}

function paintSquares({ ctx, model, scale, origin }: Paint, seats: readonly number[], colour: string): void {
  const side = Math.max(1, scale * 0.78);
  const { x, y } = model.places;
  ctx.fillStyle = colour;
  for (const seat of seats)
    ctx.fillRect(
      (at(x, seat) - origin.x) * scale - side / 2,
      (at(y, seat) - origin.y) * scale - side / 2,
      side,
      side,
    );
}

/** Taken seats are hollow and crossed out: they differ from free ones by more than colour. */
function paintTaken({ ctx, model, palette, scale, ratio, origin }: Paint, seats: readonly number[]): void {
  const half = scale * 0.31;
  const path = new Path2D();
  for (const seat of seats) {
    const x = (at(model.places.x, seat) - origin.x) * scale;
    const y = (at(model.places.y, seat) - origin.y) * scale;
    path.rect(x - half, y - half, 2 * half, 2 * half);
    path.moveTo(x - half, y + half);
    path.lineTo(x + half, y - half);
  }
  ctx.strokeStyle = palette.taken;
  ctx.lineWidth = Math.max(ratio * 0.75, scale * 0.05);
  ctx.stroke(path);
}

function paintShapes(paint: Paint, seats: readonly number[], category: number, colour: string): void {
  const { ctx, model, scale, origin } = paint;
  const path = new Path2D();
  for (const seat of seats)
    trace(
      path,
      category,
      (at(model.places.x, seat) - origin.x) * scale,
      (at(model.places.y, seat) - origin.y) * scale,
      scale * 0.42,
    );
  ctx.fillStyle = colour;
  ctx.fill(path);
  if (scale >= SYMBOLS * paint.ratio) paintInside(paint, seats);
}

/** Write numbers into free seats, and draw the symbols of accessible places and their companions. */
function paintInside(paint: Paint, seats: readonly number[]): void {
  const { ctx, model, palette, scale, ratio, origin } = paint;
  const numbered = scale >= NUMBERED * ratio;
  ctx.fillStyle = palette.onCategory;
  ctx.strokeStyle = palette.onCategory;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.font = `600 ${scale * 0.34}px ${palette.font}`;
  for (const seat of seats) {
    const x = (at(model.places.x, seat) - origin.x) * scale;
    const y = (at(model.places.y, seat) - origin.y) * scale;
    const kind = at(model.seating.kind, seat);
    if (kind) paintSymbol(ctx, kind, x, y, scale);
    else if (numbered) ctx.fillText(model.seating.name(seat), x, y + scale * 0.02, scale * 0.66);
  }
}

/** Draw a person in a wheelchair (1), or two people (2). */
function paintSymbol(ctx: CanvasRenderingContext2D, kind: number, x: number, y: number, scale: number): void {
  const unit = scale * 0.1;
  const dot = (dx: number, dy: number) => {
    ctx.beginPath();
    ctx.arc(x + dx * unit, y + dy * unit, unit * 0.8, 0, 2 * Math.PI);
    ctx.fill();
  };
  ctx.lineWidth = unit * 0.75;
  ctx.beginPath();
  if (kind === 1) {
    dot(-0.3, -2.4);
    ctx.beginPath();
    ctx.moveTo(x - 0.3 * unit, y - 1.4 * unit);
    ctx.lineTo(x - 0.3 * unit, y + 0.4 * unit);
    ctx.lineTo(x + 1.4 * unit, y + 0.4 * unit);
    ctx.lineTo(x + 2 * unit, y + 2.2 * unit);
    ctx.moveTo(x - 0.9 * unit, y - 0.5 * unit);
    ctx.arc(x - 0.4 * unit, y + 1.1 * unit, 1.6 * unit, -1.9, 0.7, true);
  } else {
    dot(-1.3, -1.4);
    dot(1.3, -1.4);
    ctx.beginPath();
    ctx.arc(x - 1.3 * unit, y + 1.9 * unit, 1.3 * unit, Math.PI, 0);
    ctx.moveTo(x + 2.6 * unit, y + 1.9 * unit);
    ctx.arc(x + 1.3 * unit, y + 1.9 * unit, 1.3 * unit, 0, Math.PI, true);
  }
  ctx.stroke();
}
