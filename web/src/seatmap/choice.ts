/** The seats that are chosen: what choosing does, and what becomes of them when others are faster. Pure. */

import type { SeatMapModel } from "./model";

export type Outcome = "added" | "removed" | "full" | "taken" | "mine";

/** Return what choosing a seat does, and the labels that are chosen then. */
export function choose(
  model: SeatMapModel,
  chosen: readonly string[],
  index: number,
  most: number,
  mine: readonly string[],
): { readonly outcome: Outcome; readonly chosen: readonly string[] } {
  const label = model.label(index);
  if (chosen.includes(label)) return { outcome: "removed", chosen: chosen.filter((each) => each !== label) };
  if (mine.includes(label)) return { outcome: "mine", chosen };
  if (!model.isFree(index)) return { outcome: "taken", chosen };
  if (chosen.length >= most) return { outcome: "full", chosen };
  return { outcome: "added", chosen: [...chosen, label] };
}

/** Return which of the chosen seats somebody else has, or the hall does not have. */
export function gone(model: SeatMapModel, chosen: readonly string[], mine: readonly string[]): string[] {
  if (model.version < 0) return [];
  return chosen.filter((label) => {
    const index = model.indexOf(label);
    return !mine.includes(label) && (index < 0 || !model.isFree(index));
  });
}
