/** What the parts of the seat picker share. */

import type { Signal } from "@preact/signals";
import type { SeatMapModel } from "./model";
import type { SeatFeed } from "./useSeatStates";
import type { Tariff } from "./words";

export interface Picking {
  readonly model: SeatMapModel;
  readonly feed: SeatFeed;
  readonly tariff: Tariff;
  readonly selected: Signal<readonly string[]>;
  readonly mine: readonly string[];
  readonly readOnly: boolean;
  /** The seat that the keyboard is at, and whether it is there now. */
  readonly focus: Signal<number>;
  readonly focused: Signal<boolean>;
  /** The seat below the mouse, or -1. */
  readonly hover: Signal<number>;
  /** Choose a seat, or give it back. */
  readonly toggle: (seat: number) => void;
}
