import { money } from "../shared/format";
import { text } from "../shared/i18n/i18n";
import type { Hall } from "./layout";
import { FREE } from "./states";

export interface LegendProps {
  readonly hall: Hall;
  readonly states: Uint8Array | null;
  readonly prices: Readonly<Record<string, number>>;
  readonly currency: string;
}

/** What colours and shapes mean, what seats cost, and how many are left. */
export function Legend({ hall, states, prices, currency }: LegendProps) {
  const free = new Array<number>(hall.categories.length).fill(0);
  for (let index = 0; index < hall.seats; index += 1) {
    const category = hall.category[index] ?? 0;
    if ((states?.[index] ?? FREE) === FREE) free[category] = (free[category] ?? 0) + 1;
  }
  return (
    <ul class="legend">
      {hall.categories.map((name, category) => {
        const price = prices[name];
        return (
          <li key={name}>
            <span class={`legend-seat category-${category % 8}`} aria-hidden="true" />
            <span>
              <strong>{name}</strong>
              {price !== undefined && ` ${money(price, currency)}`}
              <span class="soft"> · {text("seats_left", { n: free[category] ?? 0 })}</span>
            </span>
          </li>
        );
      })}
      <li>
        <span class="legend-seat taken" aria-hidden="true">
          ×
        </span>
        <span>{text("seat_taken_state")}</span>
      </li>
      <li>
        <span class="legend-seat chosen" aria-hidden="true">
          ✓
        </span>
        <span>{text("seat_chosen")}</span>
      </li>
    </ul>
  );
}
