/** Draws a hall onto a canvas, when something has changed and not more often than the screen does. */

import type { Part } from "./geometry";
import type { SeatMapModel } from "./model";
import { drawGround, drawOver, type Overlay } from "./overlay";
import type { Palette } from "./palette";
import { PlacesIndex } from "./places_index";
import type { Change } from "./states";
import { Tiles } from "./tiles";
import { home, type Size, seen, type View } from "./view";

/** What painting tiles may take of a frame. */
const BUDGET_MS = 8;
/** After this time without zooming, seats are painted sharply. */
const SETTLED_MS = 110;

export interface Marks {
  readonly chosen: readonly number[];
  readonly mine: readonly number[];
  readonly focus: number;
  readonly hover: number;
}

export interface Words {
  readonly stage: string;
  readonly part: (part: Part) => string;
}

export class Renderer {
  readonly index: PlacesIndex;
  view: View = { scale: 1, x: 0, y: 0 };
  size: Size = { width: 0, height: 0 };
  /** Whether the view is the whole hall, and stays so when the canvas changes its size. */
  atHome = true;
  /** Called when the view or the canvas's size has changed. */
  onView: () => void = () => {};
  private ratio = 1;
  private marks: Marks = { chosen: [], mine: [], focus: -1, hover: -1 };
  /** The whole hall, small: what is shown where sharper tiles are not painted yet. */
  private base: Tiles | null = null;
  private tiles: Tiles | null = null;
  private frame = 0;
  private zoomedAt = 0;
  private readonly ctx: CanvasRenderingContext2D;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    readonly model: SeatMapModel,
    private palette: Palette,
    private words: Words,
  ) {
    this.index = new PlacesIndex(model.places);
    this.ctx = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
  }

  resize(width: number, height: number, ratio: number): void {
    if (!width || !height) return;
    this.size = { width, height };
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (this.atHome) this.view = this.home();
    this.restart();
    this.onView();
  }

  home(): View {
    return home(this.model.places.bounds, this.size);
  }

  look(view: View): void {
    if (view.scale !== this.view.scale) this.zoomedAt = performance.now();
    this.view = view;
    this.atHome = view.scale <= this.home().scale * 1.001;
    this.request();
    this.onView();
  }

  mark(marks: Marks): void {
    this.marks = marks;
    this.request();
  }

  /** Draw other states of seats. */
  change(change: Change): void {
    if (change === "all") this.restart();
    else {
      this.base?.touch(change);
      this.tiles?.touch(change);
      this.request();
    }
  }

  /** Draw with other colours or words. */
  restyle(palette: Palette, words: Words): void {
    this.palette = palette;
    this.words = words;
    this.restart();
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.base = null;
    this.tiles = null;
  }

  private restart(): void {
    this.tiles = null;
    this.base = null;
    this.request();
  }

  request(): void {
    if (!this.frame && this.size.width) this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    const started = performance.now();
    const { ctx, ratio, view, size } = this;
    const settled = started - this.zoomedAt >= SETTLED_MS;
    const base = this.baseTiles();
    const tiles = this.sharpTiles(settled);
    const missing = this.paintMissing(base, tiles, started);
    const overlay = this.overlay();
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = this.palette.ground;
    ctx.fillRect(0, 0, size.width, size.height);
    drawGround(overlay);
    for (const { key, box } of tiles.cover(seen(view, size))) {
      const picture = tiles.picture(key);
      if (picture) this.copy(picture, box.left, box.top, box.right - box.left);
      else this.copyBase(base, box);
    }
    drawOver(overlay);
    if (missing || !settled) this.request();
  }

  private overlay(): Overlay {
    const { ctx, model, palette, view, size, marks, words } = this;
    return { ctx, model, palette, view, size, ...marks, stageText: words.stage, partText: words.part };
  }

  private baseTiles(): Tiles {
    this.base ??= this.makeTiles(this.home().scale * this.ratio, 256, Number.POSITIVE_INFINITY);
    return this.base;
  }

  /** Return the tiles of the present scale: of a former one while the view is zooming, if it is close. */
  private sharpTiles(settled: boolean): Tiles {
    const wanted = this.view.scale * this.ratio;
    if (this.base?.scale === wanted) return this.base;
    const factor = wanted / (this.tiles?.scale ?? 0);
    if (!this.tiles || (settled ? factor !== 1 : factor > 2.5 || factor < 0.55))
      this.tiles = this.makeTiles(wanted, 512);
    return this.tiles;
  }

  private makeTiles(scale: number, pixels: number, kept?: number): Tiles {
    return new Tiles(this.model, this.index, this.palette, scale, this.ratio, pixels, kept);
  }

  /** Paint what is missing, for as long as a frame allows. Return whether something is still missing. */
  private paintMissing(base: Tiles, tiles: Tiles, started: number): boolean {
    const jobs = [
      ...[...base.cover(this.model.places.bounds)].map((tile) => ({ ...tile, of: base })),
      ...(tiles === base
        ? []
        : [...tiles.cover(seen(this.view, this.size))].map((tile) => ({ ...tile, of: tiles }))),
    ].filter(({ of, key }) => !of.isFresh(key));
    let done = 0;
    for (const { of, key, box } of jobs) {
      if (done && performance.now() - started > BUDGET_MS) break;
      of.paint(key, box);
      done += 1;
    }
    return done < jobs.length;
  }

  /** Copy a tile's picture to where it belongs. */
  private copy(picture: HTMLCanvasElement, left: number, top: number, span: number): void {
    const { view } = this;
    const side = span * view.scale;
    this.ctx.drawImage(picture, (left - view.x) * view.scale, (top - view.y) * view.scale, side, side);
  }

  /** Copy a part of the small picture of the hall. */
  private copyBase(base: Tiles, part: { left: number; top: number; right: number; bottom: number }): void {
    const { ctx, view } = this;
    ctx.save();
    ctx.beginPath();
    const side = (part.right - part.left) * view.scale;
    ctx.rect((part.left - view.x) * view.scale, (part.top - view.y) * view.scale, side, side);
    ctx.clip();
    for (const { key, box } of base.cover(part)) {
      const picture = base.picture(key);
      if (picture) this.copy(picture, box.left, box.top, box.right - box.left);
    }
    ctx.restore();
  }
}
