/** Draws a hall: far away as blocks of colour, near as seats with their numbers. */

import type { Colours } from "./colours";
import { COLOURED } from "./colours";
import type { Places, Size, View } from "./geometry";
import type { Hall, Shape } from "./layout";
import { FREE } from "./states";

/** Pixels between two seats from which they are drawn round, and from which with numbers. */
const ROUND_PX = 7;
const NUMBERED_PX = 20;

export interface Scene {
  readonly hall: Hall;
  readonly places: Places;
  readonly states: Uint8Array | null;
  readonly selected: ReadonlySet<number>;
  readonly mine: ReadonlySet<number>;
  /** The seat that the keyboard is at, or -1. */
  readonly focus: number;
}

/** Draw the part of the hall that the view shows. `ratio`: device pixels per pixel. */
export function paint(
  context: CanvasRenderingContext2D,
  scene: Scene,
  view: View,
  size: Size,
  ratio: number,
  colours: Colours,
): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  for (const shape of scene.hall.shapes) drawShape(context, shape, view, colours);
  const seats = visible(scene, view, size);
  const pixels = scene.hall.pitch * view.scale;
  drawSeats(context, scene, seats, view, pixels, colours);
  if (pixels >= NUMBERED_PX) drawNumbers(context, scene, seats, view, pixels, colours);
  drawLabels(context, scene, view, size, colours);
  drawMarks(context, scene, view, pixels, colours);
}

function visible({ hall, places }: Scene, view: View, size: Size): number[] {
  const right = view.x + size.width / view.scale;
  const bottom = view.y + size.height / view.scale;
  return [
    ...places.between(view.x - hall.pitch, view.y - hall.pitch, right + hall.pitch, bottom + hall.pitch),
  ];
}

/** Free seats are filled with their category's colour, taken ones are small and crossed: shape tells without colour. */
function drawSeats(
  context: CanvasRenderingContext2D,
  scene: Scene,
  seats: readonly number[],
  view: View,
  pixels: number,
  colours: Colours,
): void {
  const { hall, states } = scene;
  const free = Array.from({ length: COLOURED }, () => new Path2D());
  const taken = new Path2D();
  const round = pixels >= ROUND_PX;
  const side = Math.max(1, pixels * 0.78);
  for (const index of seats) {
    const x = ((hall.x[index] ?? 0) - view.x) * view.scale;
    const y = ((hall.y[index] ?? 0) - view.y) * view.scale;
    const path = free[(hall.category[index] ?? 0) % COLOURED];
    if ((states?.[index] ?? FREE) !== FREE || !path) cross(taken, x, y, side * 0.5, round);
    else square(path, x, y, side, round && hall.kind[index] === 0);
  }
  for (const [category, path] of free.entries()) {
    context.fillStyle = colours.categories[category] ?? colours.text;
    context.fill(path);
  }
  context.strokeStyle = colours.taken;
  context.lineWidth = round ? Math.max(1, pixels / 14) : 1;
  context.stroke(taken);
}

function square(path: Path2D, x: number, y: number, side: number, round: boolean): void {
  if (round) path.roundRect(x - side / 2, y - side / 2, side, side, side * 0.3);
  else path.rect(x - side / 2, y - side / 2, side, side);
}

function cross(path: Path2D, x: number, y: number, side: number, round: boolean): void {
  const half = side / 2;
  path.moveTo(x - half, y - half);
  path.lineTo(x + half, y + half);
  if (!round) return;
  path.moveTo(x + half, y - half);
  path.lineTo(x - half, y + half);
}

const SYMBOLS: readonly string[] = ["", "♿", "C"];

function drawNumbers(
  context: CanvasRenderingContext2D,
  scene: Scene,
  seats: readonly number[],
  view: View,
  pixels: number,
  colours: Colours,
): void {
  const { hall, states } = scene;
  context.font = `600 ${Math.round(pixels * 0.36)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = colours.ground;
  for (const index of seats) {
    if ((states?.[index] ?? FREE) !== FREE || scene.selected.has(index)) continue;
    const row = hall.rows[hall.rowOf[index] ?? 0];
    const text = SYMBOLS[hall.kind[index] ?? 0] || row?.names[index - row.first] || "";
    const x = ((hall.x[index] ?? 0) - view.x) * view.scale;
    context.fillText(text, x, ((hall.y[index] ?? 0) - view.y) * view.scale + 0.5);
  }
}

/** Row names at both ends of each row, kept inside the canvas, where rows are far enough apart to read them. */
function drawLabels(
  context: CanvasRenderingContext2D,
  { hall }: Scene,
  view: View,
  size: Size,
  colours: Colours,
): void {
  const pixels = hall.pitch * view.scale;
  context.fillStyle = colours.soft;
  context.textBaseline = "middle";
  context.font = `600 ${Math.min(14, Math.max(10, Math.round(pixels * 0.55)))}px system-ui, sans-serif`;
  let before = Number.NEGATIVE_INFINITY;
  for (const row of hall.rows) {
    const y = ((hall.y[row.first] ?? 0) - view.y) * view.scale;
    if (y < 0 || y > size.height || Math.abs(y - before) < 12) continue;
    before = y;
    const left = ((hall.x[row.first] ?? 0) - hall.pitch - view.x) * view.scale;
    const right = ((hall.x[row.first + row.names.length - 1] ?? 0) + hall.pitch - view.x) * view.scale;
    context.textAlign = "right";
    context.fillText(row.label, Math.max(16, left), y);
    context.textAlign = "left";
    if (right < size.width - 4) context.fillText(row.label, right, y);
  }
}

/** The chosen seats with a tick, the buyer's own with a dot, and the ring of the keyboard. */
function drawMarks(
  context: CanvasRenderingContext2D,
  scene: Scene,
  view: View,
  pixels: number,
  colours: Colours,
): void {
  const at = (index: number) => ({
    x: ((scene.hall.x[index] ?? 0) - view.x) * view.scale,
    y: ((scene.hall.y[index] ?? 0) - view.y) * view.scale,
  });
  const half = Math.max(5, pixels * 0.5);
  for (const index of [...scene.selected, ...scene.mine]) {
    const { x, y } = at(index);
    context.fillStyle = colours.text;
    context.beginPath();
    context.roundRect(x - half, y - half, 2 * half, 2 * half, half * 0.5);
    context.fill();
    context.strokeStyle = colours.ground;
    context.lineWidth = Math.max(1.5, half / 4);
    context.beginPath();
    context.moveTo(x - half * 0.45, y);
    context.lineTo(x - half * 0.1, y + half * 0.4);
    context.lineTo(x + half * 0.5, y - half * 0.4);
    context.stroke();
  }
  if (scene.focus < 0) return;
  const { x, y } = at(scene.focus);
  context.strokeStyle = colours.accent;
  context.lineWidth = 3;
  context.strokeRect(x - half - 3, y - half - 3, 2 * half + 6, 2 * half + 6);
}

function drawShape(context: CanvasRenderingContext2D, shape: Shape, view: View, colours: Colours): void {
  const number = (name: string) => (typeof shape[name] === "number" ? (shape[name] as number) : 0);
  const x = (number("x") - view.x) * view.scale;
  const y = (number("y") - view.y) * view.scale;
  const width = number("width") * view.scale;
  const height = number("height") * view.scale;
  context.save();
  context.translate(x, y);
  context.rotate((number("rotation") * Math.PI) / 180);
  context.strokeStyle = colours.taken;
  context.fillStyle = colours.line;
  context.beginPath();
  if (shape.shape === "ellipse") {
    context.ellipse(
      0,
      0,
      number("radius_x") * view.scale,
      number("radius_y") * view.scale,
      0,
      0,
      2 * Math.PI,
    );
  } else if (shape.shape === "polygon") {
    for (const [px = 0, py = 0] of (shape.points as number[][] | undefined) ?? [])
      context.lineTo(px * view.scale, py * view.scale);
    context.closePath();
  } else if (shape.shape === "stage") {
    context.moveTo(0, height);
    context.quadraticCurveTo(width / 2, -height, width, height);
  } else if (shape.shape === "rectangle") {
    context.rect(0, 0, width, height);
  }
  if (shape.shape !== "stage") context.fill();
  context.stroke();
  const text = typeof shape.text === "string" ? shape.text : "";
  if (text) {
    context.fillStyle = colours.soft;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `600 ${Math.max(10, (number("text_size") || 16) * view.scale)}px system-ui, sans-serif`;
    const middle = shape.shape === "rectangle" ? { x: width / 2, y: height / 2 } : { x: 0, y: 0 };
    context.fillText(
      text,
      middle.x + number("text_x") * view.scale,
      middle.y + number("text_y") * view.scale,
    );
  }
  context.restore();
}
