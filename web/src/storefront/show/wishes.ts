/** From what a buyer has chosen to a request: the seats on the map, or the best that there are. */

import type { SeatMapModel } from "../../seatmap/model";
import type { components } from "../../shared/api/schema";

export type Request = components["schemas"]["BookingRequest"];
type Wish = NonNullable<Request["wishes"]>[number];

export interface Best {
  readonly quantity: number;
  /** null: any. */
  readonly category: string | null;
  readonly together: boolean;
  readonly accessible: boolean;
}

/** Return what seats cost together, or null if the price of one is not known. */
export function totalOf(
  model: SeatMapModel,
  prices: Readonly<Record<string, number>>,
  seats: readonly string[],
): number | null {
  let total = 0;
  for (const label of seats) {
    const price = prices[model.layout.categories[model.seat(label)?.category ?? -1] ?? ""];
    if (price === undefined) return null;
    total += price;
  }
  return total;
}

/**
 * Return the request for seats that were chosen on the map. They are held, at the price that the buyer has seen.
 *
 * Args: otherwise: whether adjacent seats elsewhere will do if these have gone.
 */
export function requestForSeats(
  showId: number,
  seats: readonly string[],
  total: number | null,
  otherwise: boolean,
): Request {
  const wish = { seats: [...seats], ...(total !== null && { expected_amount_cents: total }) } as Wish;
  // Without a second wish, the server says at once which of the seats are taken, before anything is queued.
  if (!otherwise) return { show_id: showId, hold: true, ...wish } as Request;
  const instead = { quantity: seats.length, together: true } as Wish;
  return { show_id: showId, hold: true, wishes: [wish, instead] } as Request;
}

/** Return the request for the best seats that there are. Args: waiting: whether to wait for seats if there are none. */
export function requestForBest(showId: number, best: Best, waiting = false): Request {
  const wish = {
    quantity: best.quantity,
    together: best.together && best.quantity > 1,
    ...(best.category !== null && { category: best.category }),
    ...(best.accessible && { accessible: true }),
  } as Wish;
  return { show_id: showId, hold: true, wishes: [wish], ...(waiting && { waiting_list: true }) } as Request;
}
