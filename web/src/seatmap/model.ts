/** A hall's layout together with the states of a show's seats. Nothing here knows of a page. */

import { placesOf } from "./geometry";
import { at, KINDS, type LayoutAnswer, Seating } from "./layout";
import { AVAILABLE, SeatStates } from "./states";

/** A seat and all that is known of it. */
export interface Seat {
  readonly index: number;
  readonly label: string;
  readonly section: string;
  readonly row: string;
  readonly name: string;
  readonly category: number;
  readonly kind: (typeof KINDS)[number];
  /** 0 available, 1 held, 2 sold. */
  readonly state: number;
}

/** How much farther (in seats) a seat of another category counts as an alternative. */
const OTHER_CATEGORY = 25;

export class SeatMapModel {
  readonly seating: Seating;
  readonly places;

  /** Args: feed: the states, which change; a preview has none, and all its seats are available. */
  constructor(
    readonly layout: LayoutAnswer,
    readonly feed: SeatStates = new SeatStates(),
  ) {
    this.seating = new Seating(layout);
    this.places = placesOf(this.seating);
  }

  get version(): number {
    return this.feed.version;
  }

  state(index: number): number {
    return at(this.feed.states, index);
  }

  isFree(index: number): boolean {
    return this.state(index) === AVAILABLE;
  }

  label(index: number): string {
    return this.seating.label(index);
  }

  /** Return the index of the seat with a label; -1 if there is none. */
  indexOf(label: string): number {
    return this.seating.indexOf(label);
  }

  /** Return a seat by its index or its label; null if there is none. */
  seat(which: number | string): Seat | null {
    const index = typeof which === "string" ? this.indexOf(which) : which;
    if (!Number.isInteger(index) || index < 0 || index >= this.layout.seats) return null;
    const row = this.seating.row(index);
    return {
      index,
      label: this.label(index),
      section: this.seating.sectionName(row),
      row: row.label,
      name: this.seating.name(index),
      category: at(this.seating.category, index),
      kind: KINDS[at(this.seating.kind, index)] ?? "seat",
      state: this.state(index),
    };
  }

  /** Return the seats left and right of a seat that no aisle separates from it. */
  neighbours(index: number): number[] {
    const { seating } = this;
    return [
      ...(index > 0 && seating.areNeighbours(index - 1, index) ? [index - 1] : []),
      ...(index + 1 < seating.seats && seating.areNeighbours(index, index + 1) ? [index + 1] : []),
    ];
  }

  /** Return how many seats are free in each category, in the layout's order. */
  free(): number[] {
    const counts = this.layout.categories.map(() => 0);
    for (let seat = 0; seat < this.seating.seats; seat++)
      if (this.isFree(seat))
        counts[at(this.seating.category, seat)] = at(counts, at(this.seating.category, seat)) + 1;
    return counts;
  }

  /** Return how many seats are free in the section that a row belongs to. */
  freeInSection(row: number): number {
    const { rows } = this.seating;
    let count = 0;
    rows.forEach(({ section, first }, number) => {
      if (section !== rows[row]?.section) return;
      for (let seat = first; seat < first + this.seating.width(number); seat++)
        count += this.isFree(seat) ? 1 : 0;
    });
    return count;
  }

  /**
   * Return the labels of `n` available seats nearest to seats that have gone: next to each other if there are such, of
   * the same kind of place, rather of the same category. Fewer if there are not as many.
   *
   * Args: except: labels that are not offered, such as those that are chosen already.
   */
  nearest(labels: readonly string[], n: number, except: readonly string[] = []): string[] {
    const gone = labels.map((label) => this.indexOf(label)).filter((index) => index >= 0);
    const first = gone[0];
    if (first === undefined || n < 1) return [];
    const costs = this.costs(gone, new Set([...labels, ...except].map((label) => this.indexOf(label))));
    const together = this.cheapestRun(costs, n);
    if (together >= 0) return Array.from({ length: n }, (_, offset) => this.label(together + offset));
    return [...costs.keys()]
      .filter((seat) => at(costs, seat) < Infinity)
      .sort((one, other) => at(costs, one) - at(costs, other))
      .slice(0, n)
      .map((seat) => this.label(seat));
  }

  /** Return how far each seat is from the middle of others; infinite if it cannot be had. */
  private costs(gone: readonly number[], except: ReadonlySet<number>): Float64Array {
    const { x, y } = this.places;
    const { category, kind, seats } = this.seating;
    const first = gone[0] ?? 0;
    const middleX = gone.reduce((sum, seat) => sum + at(x, seat), 0) / gone.length;
    const middleY = gone.reduce((sum, seat) => sum + at(y, seat), 0) / gone.length;
    const costs = new Float64Array(seats).fill(Infinity);
    for (let seat = 0; seat < seats; seat++) {
      if (!this.isFree(seat) || except.has(seat) || kind[seat] !== kind[first]) continue;
      const far = Math.hypot(at(x, seat) - middleX, at(y, seat) - middleY);
      costs[seat] = far + (category[seat] === category[first] ? 0 : OTHER_CATEGORY);
    }
    return costs;
  }

  /** Return the first of `n` neighbours that cost the least together; -1 if there are none. */
  private cheapestRun(costs: Float64Array, n: number): number {
    let best = -1;
    let least = Infinity;
    let run = 0;
    let sum = 0;
    for (let seat = 0; seat < costs.length; seat++) {
      if (at(costs, seat) === Infinity) {
        run = 0;
        continue;
      }
      const goesOn = run > 0 && this.seating.areNeighbours(seat - 1, seat);
      sum = goesOn ? sum + at(costs, seat) : at(costs, seat);
      run = goesOn ? run + 1 : 1;
      if (run > n) sum -= at(costs, seat - n);
      if (run >= n && sum < least) {
        least = sum;
        best = seat - n + 1;
      }
    }
    return best;
  }
}
