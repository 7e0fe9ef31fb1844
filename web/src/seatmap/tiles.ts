/** Pictures of parts of a hall at one scale, so that panning and zooming copies pictures instead of drawing seats. */

import type { Box } from "./geometry";
import type { SeatMapModel } from "./model";
import { clearSeats, type Paint, paintSeats, reach } from "./paint";
import type { Palette } from "./palette";
import type { PlacesIndex } from "./places_index";

interface Tile {
  readonly canvas: HTMLCanvasElement;
  readonly box: Box;
  /** Seats whose states have changed since it was painted. */
  readonly stale: Set<number>;
  used: number;
}

/** How many tiles are kept: about three screens of a large display. */
const KEPT = 96;

export class Tiles {
  private readonly tiles = new Map<string, Tile>();
  private readonly span: number;
  private clock = 0;

  /** Args: scale: device pixels a seat; pixels: a tile's side in device pixels. */
  constructor(
    private readonly model: SeatMapModel,
    private readonly index: PlacesIndex,
    private readonly palette: Palette,
    readonly scale: number,
    private readonly ratio: number,
    private readonly pixels: number,
    private readonly kept = KEPT,
  ) {
    this.span = pixels / scale;
  }

  /** Note that seats have changed. */
  touch(seats: readonly number[]): void {
    const { x, y } = this.model.places;
    for (const seat of seats)
      for (const tile of this.tiles.values()) {
        const { left, right, top, bottom } = reach(tile.box);
        const [sx = 0, sy = 0] = [x[seat], y[seat]];
        if (sx >= left && sx <= right && sy >= top && sy <= bottom) tile.stale.add(seat);
      }
  }

  /** Return the boxes of the tiles that cover a part of the hall. */
  *cover({ left, top, right, bottom }: Box): Generator<{ key: string; box: Box }> {
    const { span } = this;
    for (let line = Math.floor(top / span); line * span < bottom; line++)
      for (let column = Math.floor(left / span); column * span < right; column++)
        yield {
          key: `${column},${line}`,
          box: {
            left: column * span,
            top: line * span,
            right: (column + 1) * span,
            bottom: (line + 1) * span,
          },
        };
  }

  /** Return a tile's picture if it was painted, even if a few of its seats have changed since. */
  picture(key: string): HTMLCanvasElement | null {
    const tile = this.tiles.get(key);
    if (!tile) return null;
    tile.used = ++this.clock;
    return tile.canvas;
  }

  isFresh(key: string): boolean {
    return this.tiles.get(key)?.stale.size === 0;
  }

  /** Paint a tile, or what has changed of it. */
  paint(key: string, box: Box): void {
    const tile = this.tiles.get(key);
    if (!tile) this.tiles.set(key, this.painted(box));
    else {
      const stale = [...tile.stale];
      const paint = this.paintInto(tile.canvas, box);
      clearSeats(paint, stale);
      paintSeats(paint, stale);
      tile.stale.clear();
    }
    if (this.tiles.size > this.kept) this.forget();
  }

  private painted(box: Box): Tile {
    const canvas = document.createElement("canvas");
    canvas.width = this.pixels;
    canvas.height = this.pixels;
    paintSeats(this.paintInto(canvas, box), this.index.within(reach(box)));
    return { canvas, box, stale: new Set(), used: ++this.clock };
  }

  private paintInto(canvas: HTMLCanvasElement, box: Box): Paint {
    const ctx = canvas.getContext("2d") as CanvasRenderingContext2D;
    const { model, palette, scale, ratio } = this;
    return { ctx, model, palette, scale, ratio, origin: { x: box.left, y: box.top } };
  }

  /** Forget the tiles that were not used for the longest time. */
  private forget(): void {
    const oldest = [...this.tiles].sort(([, one], [, other]) => one.used - other.used);
    for (const [key] of oldest.slice(0, this.tiles.size - this.kept)) this.tiles.delete(key);
  }
}
