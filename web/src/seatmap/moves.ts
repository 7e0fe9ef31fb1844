/** Where a key leads from a seat: neighbours are those that are seen next to it, whatever their labels are. */

import { at } from "./layout";
import type { SeatMapModel } from "./model";

const PAGE = 5;
/** How far aside a seat may be to be still "to the right" of another, in rows. */
const SAME_HEIGHT = 0.6;

/**
 * Return the seat that a key leads to; null for a key that does not move. At the hall's edge it is the same seat.
 * The map is as the hall is, also where the page is written from right to left: the right arrow goes to the right.
 */
export function moved(model: SeatMapModel, from: number, key: string, control: boolean): number | null {
  const { seating } = model;
  const row = seating.row(from);
  const last = row.first + seating.width(at(seating.rowOf, from)) - 1;
  switch (key) {
    case "ArrowLeft":
      return from > row.first ? from - 1 : across(model, from, -1);
    case "ArrowRight":
      return from < last ? from + 1 : across(model, from, 1);
    case "ArrowUp":
      return along(model, from, -1);
    case "ArrowDown":
      return along(model, from, 1);
    case "Home":
      return control ? 0 : row.first;
    case "End":
      return control ? seating.seats - 1 : last;
    case "PageUp":
      return page(model, from, -1);
    case "PageDown":
      return page(model, from, 1);
    default:
      return null;
  }
}

function page(model: SeatMapModel, from: number, sign: number): number {
  let seat = from;
  for (let row = 0; row < PAGE; row++) seat = along(model, seat, sign);
  return seat;
}

/** Return the seat in the next row: the nearest, and rather straight on than aside. */
function along(model: SeatMapModel, from: number, sign: number): number {
  const { x, y } = model.places;
  const own = at(model.seating.rowOf, from);
  return nearest(model, from, (seat) => {
    const down = (at(y, seat) - at(y, from)) * sign;
    if (down < 0.35 || at(model.seating.rowOf, seat) === own) return Infinity;
    return down + 2 * Math.abs(at(x, seat) - at(x, from));
  });
}

/** Return the next seat at the same height, in another row. */
function across(model: SeatMapModel, from: number, sign: number): number {
  const { x, y } = model.places;
  const own = at(model.seating.rowOf, from);
  return nearest(model, from, (seat) => {
    const right = (at(x, seat) - at(x, from)) * sign;
    const aside = Math.abs(at(y, seat) - at(y, from));
    if (right < 0.35 || aside > SAME_HEIGHT || at(model.seating.rowOf, seat) === own) return Infinity;
    return right + 3 * aside;
  });
}

function nearest(model: SeatMapModel, from: number, cost: (seat: number) => number): number {
  let best = from;
  let least = Infinity;
  for (let seat = 0; seat < model.seating.seats; seat++) {
    const here = cost(seat);
    if (here < least) {
      least = here;
      best = seat;
    }
  }
  return best;
}
