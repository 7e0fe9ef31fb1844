/** Which part of a hall is seen: pure arithmetic between seats (x, y) and CSS pixels of the canvas. */

import type { Box } from "./geometry";

export interface View {
  /** CSS pixels a seat. */
  readonly scale: number;
  /** What is at the canvas's left and upper edge. */
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The largest that seats become, and what a jump to a seat shows. */
export const LARGEST = 56;
export const READABLE = 30;

/** Return the view of the whole hall, in the middle. */
export function home(bounds: Box, size: Size): View {
  const width = bounds.right - bounds.left;
  const height = bounds.bottom - bounds.top;
  const scale = Math.min(size.width / width, size.height / height, LARGEST * 0.75);
  return {
    scale,
    x: (bounds.left + bounds.right) / 2 - size.width / scale / 2,
    y: (bounds.top + bounds.bottom) / 2 - size.height / scale / 2,
  };
}

/** Return the view zoomed by a factor, with what is at a place of the canvas staying there. */
export function zoomed(view: View, factor: number, px: number, py: number, bounds: Box, size: Size): View {
  const scale = Math.min(LARGEST, Math.max(home(bounds, size).scale, view.scale * factor));
  const x = view.x + px / view.scale - px / scale;
  const y = view.y + py / view.scale - py / scale;
  return kept({ scale, x, y }, bounds, size);
}

/** Return the view moved by pixels, as a drag does. */
export function panned(view: View, dx: number, dy: number, bounds: Box, size: Size): View {
  return kept({ ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale }, bounds, size);
}

/** Return the view around a place, at a scale. */
export function around(x: number, y: number, scale: number, bounds: Box, size: Size): View {
  return kept({ scale, x: x - size.width / scale / 2, y: y - size.height / scale / 2 }, bounds, size);
}

/** Return a view that shows a place: the same one, unless the place is outside or close to the edge. */
export function showing(view: View, x: number, y: number, bounds: Box, size: Size): View {
  const [px, py] = [(x - view.x) * view.scale, (y - view.y) * view.scale];
  const edge = Math.min(60, size.width / 4, size.height / 4);
  const inside = px >= edge && py >= edge && px <= size.width - edge && py <= size.height - edge;
  if (inside && view.scale >= READABLE / 2) return view;
  return around(x, y, Math.max(view.scale, READABLE), bounds, size);
}

export function seen(view: View, size: Size): Box {
  return {
    left: view.x,
    top: view.y,
    right: view.x + size.width / view.scale,
    bottom: view.y + size.height / view.scale,
  };
}

/** Keep the hall in sight: what is smaller than the canvas is in the middle, what is larger reaches its edges. */
function kept(view: View, bounds: Box, size: Size): View {
  return {
    scale: view.scale,
    x: keptAlong(view.x, size.width / view.scale, bounds.left, bounds.right),
    y: keptAlong(view.y, size.height / view.scale, bounds.top, bounds.bottom),
  };
}

function keptAlong(start: number, length: number, from: number, to: number): number {
  if (to - from <= length) return (from + to - length) / 2;
  return Math.min(to - length, Math.max(from, start));
}
