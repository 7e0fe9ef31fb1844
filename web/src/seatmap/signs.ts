/** Signs on the sections of a hall that is seen from afar. */

import type { Part } from "./geometry";
import { type Overlay, px, py } from "./overlay";

/** Draw the signs of all sections that have a name. */
export function drawSigns(overlay: Overlay): void {
  const parts = overlay.model.places.parts.filter((part) => part.name);
  const common = commonStart(parts.map((part) => part.name));
  for (const part of parts) drawSign(overlay, part, part.name.slice(common) || part.name);
}

/** Put a sign with its name and what is free onto a section: as much of it as there is room for. */
function drawSign(overlay: Overlay, part: Part, short: string): void {
  const { ctx, palette, view } = overlay;
  const room = (part.box.right - part.box.left) * view.scale - 6;
  const fits = (line: string) => ctx.measureText(line).width + 12 <= room;
  ctx.font = `600 13px ${palette.font}`;
  const name = fits(part.name) ? part.name : short;
  const free = overlay.partText(part);
  const lines = fits(free) && (part.box.bottom - part.box.top) * view.scale > 48 ? [name, free] : [name];
  const width = Math.max(20, ...lines.map((line) => ctx.measureText(line).width + 14));
  if (width > room + 24) return;
  const x = px(overlay, (part.box.left + part.box.right) / 2);
  const y = py(overlay, (part.box.top + part.box.bottom) / 2);
  const height = lines.length * 18 + 6;
  ctx.fillStyle = palette.ground;
  ctx.strokeStyle = palette.line;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.roundRect(x - width / 2, y - height / 2, width, height, 8);
  ctx.fill();
  ctx.stroke();
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  lines.forEach((line, nth) => {
    ctx.fillStyle = nth ? palette.soft : palette.text;
    ctx.fillText(line, x, y + (nth - (lines.length - 1) / 2) * 18);
  });
}

/** Return how many characters all names begin with, in whole words: of "Block 1" and "Block 2", six. */
export function commonStart(names: readonly string[]): number {
  const first = names[0] ?? "";
  let common = names.length > 1 ? first.length : 0;
  for (const name of names) while (!name.startsWith(first.slice(0, common))) common -= 1;
  return common ? first.lastIndexOf(" ", common - 1) + 1 : 0;
}
