/** What is drawn over the seats at each frame: names of rows and sections, what is chosen, the focus. */

import { type Box, type Part, ROW_PITCH } from "./geometry";
import { at } from "./layout";
import { trace } from "./marks";
import type { SeatMapModel } from "./model";
import { SHAPED } from "./paint";
import type { Palette } from "./palette";
import { drawSigns } from "./signs";
import { type Size, seen, type View } from "./view";

export interface Overlay {
  readonly ctx: CanvasRenderingContext2D;
  readonly model: SeatMapModel;
  readonly palette: Palette;
  readonly view: View;
  readonly size: Size;
  readonly chosen: readonly number[];
  readonly mine: readonly number[];
  readonly focus: number;
  readonly hover: number;
  readonly stageText: string;
  /** What a section's sign says below its name. */
  readonly partText: (part: Part) => string;
}

export const px = (overlay: Overlay, x: number) => (x - overlay.view.x) * overlay.view.scale;
export const py = (overlay: Overlay, y: number) => (y - overlay.view.y) * overlay.view.scale;

/** Draw the stage and the drawing's shapes, which lie below the seats. */
export function drawGround(overlay: Overlay): void {
  const { ctx, palette, model, view } = overlay;
  const { stage, shapes } = model.places;
  ctx.fillStyle = palette.shape;
  ctx.strokeStyle = palette.line;
  ctx.lineWidth = 1;
  for (const shape of shapes) {
    if (!shape.outline.length) continue;
    ctx.beginPath();
    for (const [x, y] of shape.outline) ctx.lineTo(px(overlay, x), py(overlay, y));
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  if (stage) drawStage(overlay, stage);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = palette.soft;
  for (const { box, text, textSize } of shapes) {
    const height = Math.min(28, Math.max(textSize * view.scale, 10));
    ctx.font = `600 ${height}px ${palette.font}`;
    const room = (box.right - box.left) * view.scale;
    if (text && (room === 0 || ctx.measureText(text).width < room * 1.1))
      ctx.fillText(text, px(overlay, (box.left + box.right) / 2), py(overlay, (box.top + box.bottom) / 2));
  }
}

function drawStage(overlay: Overlay, stage: Box): void {
  const { ctx, palette, view, stageText } = overlay;
  const left = px(overlay, stage.left);
  const top = py(overlay, stage.top);
  const width = (stage.right - stage.left) * view.scale;
  const height = (stage.bottom - stage.top) * view.scale;
  ctx.beginPath();
  ctx.moveTo(left, top + height);
  ctx.quadraticCurveTo(left + width / 2, top - height * 0.6, left + width, top + height);
  ctx.quadraticCurveTo(left + width / 2, top + height * 0.4, left, top + height);
  ctx.fillStyle = palette.taken;
  ctx.fill();
  if (height < 7) return;
  const text = Math.min(15, Math.max(11, view.scale * 0.6));
  ctx.font = `600 ${text}px ${palette.font}`;
  ctx.fillStyle = palette.soft;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(stageText, left + width / 2, top + height * 1.25);
}

/** Draw what lies over the seats. */
export function drawOver(overlay: Overlay): void {
  const { view, palette } = overlay;
  for (const seat of overlay.mine) drawTicked(overlay, seat, palette.mine);
  for (const seat of overlay.chosen) drawTicked(overlay, seat, palette.chosen);
  if (view.scale >= 9) drawRowNames(overlay);
  if (view.scale < SHAPED) drawSigns(overlay);
  else for (const part of overlay.model.places.parts) drawHeading(overlay, part);
  if (overlay.hover >= 0) drawRing(overlay, overlay.hover, palette.text, 1.5);
  if (overlay.focus >= 0) drawRing(overlay, overlay.focus, palette.focus, 3);
}

/** Draw a chosen seat: filled, with a tick, at least so large that it is seen in the overview. */
function drawTicked(overlay: Overlay, seat: number, colour: string): void {
  const { ctx, model, palette, view } = overlay;
  const x = px(overlay, at(model.places.x, seat));
  const y = py(overlay, at(model.places.y, seat));
  const half = Math.max(5, view.scale * 0.46);
  const path = new Path2D();
  trace(path, at(model.seating.category, seat), x, y, half);
  ctx.fillStyle = colour;
  ctx.fill(path);
  ctx.strokeStyle = palette.ground;
  ctx.lineWidth = 1.5;
  ctx.stroke(path);
  ctx.beginPath();
  ctx.moveTo(x - half * 0.42, y);
  ctx.lineTo(x - half * 0.1, y + half * 0.34);
  ctx.lineTo(x + half * 0.45, y - half * 0.36);
  ctx.strokeStyle = palette.onChosen;
  ctx.lineWidth = Math.max(1.5, half * 0.2);
  ctx.stroke();
}

function drawRing(overlay: Overlay, seat: number, colour: string, width: number): void {
  const { ctx, model, palette, view } = overlay;
  const half = Math.max(7, view.scale * 0.5) + width / 2;
  const x = px(overlay, at(model.places.x, seat)) - half;
  const y = py(overlay, at(model.places.y, seat)) - half;
  ctx.beginPath();
  ctx.roundRect(x, y, 2 * half, 2 * half, half * 0.35);
  ctx.strokeStyle = palette.ground;
  ctx.lineWidth = width + 3;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}

/** Write each row's name beside its first seat that is seen, and after its last. */
function drawRowNames(overlay: Overlay): void {
  const { ctx, model, palette, view, size } = overlay;
  const { x, y } = model.places;
  const { top, bottom, left, right } = seen(view, size);
  const height = Math.min(14, Math.max(10, (view.scale / ROW_PITCH) * 0.6));
  ctx.font = `600 ${height}px ${palette.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  model.seating.rows.forEach((row, number) => {
    const last = row.first + model.seating.width(number) - 1;
    if (last < row.first || Math.min(at(y, row.first), at(y, last)) > bottom + 4) return;
    if (Math.max(at(y, row.first), at(y, last)) < top - 4) return;
    if (at(x, row.first) > right + 1 || at(x, last) < left - 1) return;
    let first = row.first;
    while (first < last && at(x, first) - 1 < left + 12 / view.scale) first += 1;
    const sticky = first > row.first;
    drawTag(
      overlay,
      row.label,
      sticky ? 0 : px(overlay, at(x, first) - 1),
      py(overlay, at(y, first)),
      sticky,
    );
    drawTag(overlay, row.label, px(overlay, at(x, last) + 1), py(overlay, at(y, last)), false);
  });
}

function drawTag({ ctx, palette }: Overlay, text: string, at: number, y: number, plate: boolean): void {
  let x = at;
  if (plate) {
    const width = Math.max(22, ctx.measureText(text).width + 10);
    x += width / 2 + 3;
    ctx.fillStyle = palette.ground;
    ctx.strokeStyle = palette.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.roundRect(x - width / 2, y - 9, width, 18, 6);
    ctx.fill();
    ctx.stroke();
  }
  ctx.fillStyle = palette.soft;
  ctx.fillText(text, x, y + 0.5);
}

/** Write a section's name above it. */
function drawHeading(overlay: Overlay, { name, box }: Part): void {
  const { ctx, palette } = overlay;
  if (!name) return;
  ctx.font = `600 14px ${palette.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  ctx.fillStyle = palette.text;
  ctx.fillText(name, px(overlay, (box.left + box.right) / 2), py(overlay, box.top) - 4);
}
