/** Which seats are where: for drawing a part of a hall, and for what a pointer touches. */

import { type Box, grow, type Places } from "./geometry";
import { at } from "./layout";

const CELL = 4;
const MAX_CELLS = 65_536;
/** How far from a seat's middle a pointer still touches it. */
const REACH = 0.55;

export class PlacesIndex {
  private readonly cell: number;
  private readonly columns: number;
  private readonly lines: number;
  private readonly box: Box;
  /** Where each cell's seats begin in `seats`. */
  private readonly starts: Uint32Array;
  private readonly seats: Uint32Array;

  constructor(private readonly places: Places) {
    this.box = grow(places.bounds, 1);
    const width = this.box.right - this.box.left;
    const height = this.box.bottom - this.box.top;
    this.cell = Math.max(CELL, Math.sqrt((width * height) / MAX_CELLS), width / 4_096, height / 4_096);
    this.columns = Math.ceil(width / this.cell) + 1;
    this.lines = Math.ceil(height / this.cell) + 1;
    this.starts = new Uint32Array(this.columns * this.lines + 1);
    this.seats = new Uint32Array(places.x.length);
    this.sort();
  }

  /** Sort the seats by their cells, by counting. */
  private sort(): void {
    const cells = Uint32Array.from(this.places.x, (x, seat) => this.cellOf(x, at(this.places.y, seat)));
    for (const cell of cells) this.starts[cell + 1] = at(this.starts, cell + 1) + 1;
    for (let cell = 1; cell < this.starts.length; cell++)
      this.starts[cell] = at(this.starts, cell) + at(this.starts, cell - 1);
    const next = this.starts.slice();
    cells.forEach((cell, seat) => {
      const place = at(next, cell);
      this.seats[place] = seat;
      next[cell] = place + 1;
    });
  }

  private column(x: number): number {
    return Math.min(this.columns - 1, Math.max(0, Math.floor((x - this.box.left) / this.cell)));
  }

  private line(y: number): number {
    return Math.min(this.lines - 1, Math.max(0, Math.floor((y - this.box.top) / this.cell)));
  }

  private cellOf(x: number, y: number): number {
    return this.line(y) * this.columns + this.column(x);
  }

  /** Return the seats whose middles are in a box. */
  within({ left, top, right, bottom }: Box): number[] {
    const { x, y } = this.places;
    const found: number[] = [];
    for (let line = this.line(top); line <= this.line(bottom); line++) {
      const from = at(this.starts, line * this.columns + this.column(left));
      const to = at(this.starts, line * this.columns + this.column(right) + 1);
      for (let nth = from; nth < to; nth++) {
        const seat = at(this.seats, nth);
        const sx = at(x, seat);
        const sy = at(y, seat);
        if (sx >= left && sx <= right && sy >= top && sy <= bottom) found.push(seat);
      }
    }
    return found;
  }

  /** Return the seat at a place, or -1. */
  hit(px: number, py: number): number {
    let nearest = -1;
    let least = REACH ** 2;
    for (const seat of this.within(grow({ left: px, right: px, top: py, bottom: py }, REACH))) {
      const far = (at(this.places.x, seat) - px) ** 2 + (at(this.places.y, seat) - py) ** 2;
      if (far <= least) {
        least = far;
        nearest = seat;
      }
    }
    return nearest;
  }
}
