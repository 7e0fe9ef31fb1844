/** A hall's layout as its seats: which row, category and kind each has, and its label. */

import type { components } from "../shared/api/schema";

export type LayoutAnswer = components["schemas"]["LayoutAnswer"];
export type LayoutRow = LayoutAnswer["rows"][number];
export type Kind = "seat" | "wheelchair" | "companion";

export const KINDS: readonly Kind[] = ["seat", "wheelchair", "companion"];

/** Return a number of an array, 0 beyond its end. */
export function at(numbers: ArrayLike<number>, index: number): number {
  return numbers[index] ?? 0;
}

/** Rows with their seats counted, and what each seat is. A seat is known by its index, as in the API's states. */
export class Seating {
  readonly seats: number;
  readonly rowOf: Uint32Array;
  readonly category: Uint8Array;
  /** Its place in KINDS. */
  readonly kind: Uint8Array;
  private readonly names: readonly (readonly string[])[];
  private readonly byPrefix = new Map<string, number[]>();

  constructor(readonly layout: LayoutAnswer) {
    this.seats = layout.seats;
    this.rowOf = new Uint32Array(layout.seats);
    this.category = new Uint8Array(layout.seats);
    this.kind = new Uint8Array(layout.seats);
    this.names = layout.rows.map((row) => row.blocks.flatMap((block) => block.names.map(String)));
    layout.rows.forEach((row, number) => {
      this.add(row, number);
      this.byPrefix.set(row.prefix, [...(this.byPrefix.get(row.prefix) ?? []), number]);
    });
  }

  private add(row: LayoutRow, number: number): void {
    let seat = row.first;
    for (const block of row.blocks) {
      const end = seat + block.names.length;
      this.rowOf.fill(number, seat, end);
      this.category.fill(block.category, seat, end);
      this.kind.fill(Math.max(0, KINDS.indexOf(block.kind)), seat, end);
      seat = end;
    }
  }

  get rows(): readonly LayoutRow[] {
    return this.layout.rows;
  }

  row(seat: number): LayoutRow {
    return this.layout.rows[at(this.rowOf, seat)] as LayoutRow;
  }

  /** Return how many seats a row has. */
  width(row: number): number {
    return this.names[row]?.length ?? 0;
  }

  /** Return a seat's place in its row, from 0 at the left. */
  place(seat: number): number {
    return seat - this.row(seat).first;
  }

  /** Return a seat's number or name within its row. */
  name(seat: number): string {
    return this.names[at(this.rowOf, seat)]?.[this.place(seat)] ?? "";
  }

  label(seat: number): string {
    return this.row(seat).prefix + this.name(seat);
  }

  /** Return the index of the seat with a label; -1 if there is none. */
  indexOf(label: string): number {
    for (let cut = label.length - 1; cut > 0; cut--) {
      for (const row of this.byPrefix.get(label.slice(0, cut)) ?? []) {
        const place = this.names[row]?.indexOf(label.slice(cut)) ?? -1;
        if (place >= 0) return (this.rows[row]?.first ?? 0) + place;
      }
    }
    return -1;
  }

  /** Return the name of a row's section; empty in a hall without sections. */
  sectionName(row: LayoutRow): string {
    return this.layout.sections.find((each) => each.key === row.section)?.name ?? "";
  }

  /** Return what a category is called: by the hall's drawing, or else by its key. */
  categoryName(category: number): string {
    const key = this.layout.categories[category] ?? "";
    const drawn = this.layout.drawing?.categories as Record<string, { name?: string }> | undefined;
    return drawn?.[key]?.name ?? key;
  }

  /** Return whether two seats are next to each other, without an aisle between them. */
  areNeighbours(left: number, right: number): boolean {
    if (right !== left + 1 || at(this.rowOf, left) !== at(this.rowOf, right)) return false;
    return !this.row(right).aisles.includes(this.place(right));
  }
}
