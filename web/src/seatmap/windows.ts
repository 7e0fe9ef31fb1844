/** Which rows and seats the grid has nodes for: those around the focus, not 100,000. */

import { at } from "./layout";
import type { SeatMapModel } from "./model";

const ROWS = 9;
export const SEATS = 40;

/** Return the rows around a seat's, of its section. */
export function rowsAround(model: SeatMapModel, seat: number): number[] {
  const { seating } = model;
  const own = at(seating.rowOf, seat);
  const section = seating.rows[own]?.section;
  const rows = seating.rows.flatMap((row, number) =>
    row.section === section && seating.width(number) ? [number] : [],
  );
  const start = rows.indexOf(own) - (ROWS >> 1);
  const from = Math.max(0, Math.min(start, rows.length - ROWS));
  return rows.slice(from, from + ROWS);
}

/** Return the places [from, to) of a row that are beside a seat: all, unless the row is very long. */
export function columnsAround(model: SeatMapModel, seat: number, row: number): [number, number] {
  const { seating, places } = model;
  const width = seating.width(row);
  if (width <= SEATS) return [0, width];
  const first = seating.rows[row]?.first ?? 0;
  const middle =
    row === at(seating.rowOf, seat)
      ? seating.place(seat)
      : nearestPlace(places.x, first, width, at(places.x, seat));
  const from = Math.max(0, Math.min(middle - (SEATS >> 1), width - SEATS));
  return [from, from + SEATS];
}

function nearestPlace(x: Float32Array, first: number, width: number, wanted: number): number {
  let best = 0;
  for (let place = 1; place < width; place++)
    if (Math.abs(at(x, first + place) - wanted) < Math.abs(at(x, first + best) - wanted)) best = place;
  return best;
}
