/** What is said about seats, on the screen and to screen readers. */

import { money } from "../shared/format";
import { text } from "../shared/i18n/i18n";
import { at } from "./layout";
import type { SeatMapModel } from "./model";
import { HELD } from "./states";

export interface Tariff {
  /** Minor units by the category's key. */
  readonly prices: Readonly<Record<string, number>>;
  readonly currency: string;
}

/** Return a seat's row and number, with its section if there are several: "Stalls, row C, seat 12". */
export function seatName(model: SeatMapModel, index: number): string {
  const row = model.seating.row(index);
  const values = { row: row.label, seat: model.seating.name(index), section: model.seating.sectionName(row) };
  return text(values.section ? "seatmap.seat_in_section" : "seatmap.seat", values);
}

/** Return what a category costs; empty if nothing is known of it. */
export function priceText(model: SeatMapModel, category: number, { prices, currency }: Tariff): string {
  const price = prices[model.layout.categories[category] ?? ""];
  return price === undefined ? "" : money(price, currency);
}

/** Return a seat's state: one of the states of the sale, or that it is chosen or the reader's own. */
export function stateText(model: SeatMapModel, index: number, chosen: boolean, mine: boolean): string {
  if (mine) return text("seatmap.state.mine");
  if (chosen) return text("seatmap.state.chosen");
  if (model.isFree(index)) return text("seatmap.state.available");
  return text(model.state(index) === HELD ? "seatmap.state.held" : "seatmap.state.sold");
}

/** Return all about a seat: "Row C, seat 12, Premium, €18.00, available". */
export function seatText(
  model: SeatMapModel,
  index: number,
  tariff: Tariff,
  chosen: boolean,
  mine: boolean,
): string {
  const category = at(model.seating.category, index);
  const kind = model.seat(index)?.kind ?? "seat";
  return [
    seatName(model, index),
    kind === "seat" ? "" : text(`seatmap.kind.${kind}`),
    model.seating.categoryName(category),
    priceText(model, category, tariff),
    stateText(model, index, chosen, mine),
  ]
    .filter(Boolean)
    .join(", ");
}
