/** A hall's seats by index and label, and where each is drawn. Pure. */

import type { components } from "../shared/api/schema";

export type Layout = components["schemas"]["LayoutAnswer"];
export type Kind = "seat" | "wheelchair" | "companion";

/** A row: its seats are those from `first` on, in the order in which they are placed, from left to right. */
export interface Row {
  readonly section: string | null;
  readonly label: string;
  readonly prefix: string;
  readonly first: number;
  readonly names: readonly string[];
  readonly aisles: ReadonlySet<number>;
}

/** What else is drawn: stage, walls, texts (docs/halls.md, "The drawing"). */
export type Shape = Readonly<Record<string, unknown>> & { readonly shape: string };

/** The distance between two seats of a row where the plan does not say. Everything is drawn in this unit. */
export const PITCH = 10;
const AISLE = PITCH;
const ROW = PITCH * 1.15;
const SECTION = PITCH * 3;

export class Hall {
  readonly rows: readonly Row[];
  readonly categories: readonly string[];
  readonly seats: number;
  /** By index: the category's number, the kind, the row's number, and the place of the seat's middle. */
  readonly category: Uint8Array;
  readonly kinds: readonly Kind[];
  readonly kind: Uint8Array;
  readonly rowOf: Uint32Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly width: number;
  readonly height: number;
  /** The distance between neighbours, in the same unit. */
  readonly pitch: number;
  readonly shapes: readonly Shape[];
  readonly sections: ReadonlyMap<string, string>;

  constructor(layout: Layout) {
    this.categories = layout.categories;
    this.seats = layout.seats;
    this.sections = new Map(layout.sections.map((each) => [each.key, each.name]));
    this.kinds = ["seat", "wheelchair", "companion"];
    this.category = new Uint8Array(this.seats);
    this.kind = new Uint8Array(this.seats);
    this.rowOf = new Uint32Array(this.seats);
    this.rows = layout.rows.map((row, number) => this.read(row, number));
    this.x = new Float32Array(this.seats);
    this.y = new Float32Array(this.seats);
    const placed = this.placeAsDrawn(layout.drawing) ?? this.placeByRows();
    this.width = placed.width;
    this.height = placed.height;
    this.pitch = placed.pitch;
    this.shapes = placed.shapes;
  }

  /** Return a seat's label, as bookings name it. */
  label(index: number): string {
    const row = this.rows[this.rowOf[index] ?? 0];
    return row ? row.prefix + (row.names[index - row.first] ?? "") : "";
  }

  /** Return a seat's index, or -1. */
  indexOf(label: string): number {
    for (const row of this.rows) {
      if (!label.startsWith(row.prefix)) continue;
      const place = row.names.indexOf(label.slice(row.prefix.length));
      if (place >= 0) return row.first + place;
    }
    return -1;
  }

  /** Return what a seat is called within its hall. */
  nameOf(index: number): { section: string | null; row: string; seat: string; category: string; kind: Kind } {
    const row = this.rows[this.rowOf[index] ?? 0];
    return {
      section: row?.section ? (this.sections.get(row.section) ?? row.section) : null,
      row: row?.label ?? "",
      seat: row?.names[index - (row?.first ?? 0)] ?? "",
      category: this.categories[this.category[index] ?? 0] ?? "",
      kind: this.kinds[this.kind[index] ?? 0] ?? "seat",
    };
  }

  private read(row: Layout["rows"][number], number: number): Row {
    const names: string[] = [];
    for (const block of row.blocks) {
      for (const name of block.names) {
        const index = row.first + names.length;
        this.category[index] = block.category;
        this.kind[index] = this.kinds.indexOf(block.kind);
        this.rowOf[index] = number;
        names.push(String(name));
      }
    }
    const { section, label, prefix, first } = row;
    return { section, label, prefix, first, names, aisles: new Set(row.aisles) };
  }

  /** Place rows below each other, each in the middle, with gaps at aisles and between sections. */
  private placeByRows(): Placed {
    const widths = this.rows.map((row) => row.names.length * PITCH + row.aisles.size * AISLE);
    const width = Math.max(PITCH, ...widths) + 6 * PITCH;
    let y = 5 * PITCH;
    let section = this.rows[0]?.section ?? null;
    for (const [number, row] of this.rows.entries()) {
      if (row.section !== section) y += SECTION;
      section = row.section;
      let x = (width - (widths[number] ?? 0)) / 2 + PITCH / 2;
      for (let place = 0; place < row.names.length; place += 1) {
        this.x[row.first + place] = x;
        this.y[row.first + place] = y;
        x += PITCH + (row.aisles.has(place + 1) ? AISLE : 0);
      }
      y += ROW;
    }
    const stage = { shape: "stage", x: width / 4, y: PITCH, width: width / 2, height: 1.6 * PITCH };
    return { width, height: y + PITCH, pitch: PITCH, shapes: [stage] };
  }

  /** Place seats as the plan's drawing says; null if it does not place every row. */
  private placeAsDrawn(drawing: Layout["drawing"]): Placed | null {
    const drawn = drawing as { size?: [number, number]; rows?: number[][][]; shapes?: Shape[] } | null;
    if (!drawn?.size || drawn.rows?.length !== this.rows.length) return null;
    let pitch = Number.POSITIVE_INFINITY;
    for (const [number, row] of this.rows.entries()) {
      let index = row.first;
      for (const line of drawn.rows[number] ?? []) {
        pitch = Math.min(pitch, this.placeLine(index, line));
        index += line[0] ?? 0;
      }
      if (index !== row.first + row.names.length) return null;
    }
    const [width, height] = drawn.size;
    return { width, height, pitch: Number.isFinite(pitch) ? pitch : PITCH, shapes: drawn.shapes ?? [] };
  }

  /** Place seats at equal distances on a line: [seats, x, y, x of the last, y of the last]. Return the distance. */
  private placeLine(
    index: number,
    [count = 0, x = 0, y = 0, lastX = x, lastY = y]: readonly number[],
  ): number {
    const steps = Math.max(1, count - 1);
    for (let step = 0; step < count; step += 1) {
      this.x[index + step] = x + ((lastX - x) * step) / steps;
      this.y[index + step] = y + ((lastY - y) * step) / steps;
    }
    return count > 1 ? Math.hypot((lastX - x) / steps, (lastY - y) / steps) : Number.POSITIVE_INFINITY;
  }
}

interface Placed {
  readonly width: number;
  readonly height: number;
  readonly pitch: number;
  readonly shapes: readonly Shape[];
}
