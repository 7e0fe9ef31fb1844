import { useSignal } from "@preact/signals";
import { money } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Select } from "../../shared/ui/Field";
import type { Show } from "../browse/sale";
import type { Best } from "./wishes";

export interface BestAvailableProps {
  readonly show: Show;
  readonly busy: boolean;
  readonly onBook: (best: Best) => void;
  readonly label?: string;
}

/** A number of seats, and what kind: the house chooses the best of those. */
export function BestAvailable({ show, busy, onBook, label }: BestAvailableProps) {
  const quantity = useSignal("2");
  const category = useSignal("");
  const together = useSignal(true);
  const accessible = useSignal(false);
  const numbers = Array.from({ length: Math.min(show.seats_per_user, 10) }, (_, index) => String(index + 1));
  const set =
    <T,>(signal: { value: T }) =>
    (value: T) => {
      signal.value = value;
    };
  const book = () =>
    onBook({
      quantity: Math.min(Number(quantity.value), numbers.length),
      category: category.value || null,
      together: together.value,
      accessible: accessible.value,
    });
  return (
    <section class="card stack" aria-label={text("best_available")}>
      <h2>{text("best_available")}</h2>
      <div class="pair">
        <Select
          label={text("how_many")}
          value={quantity.value}
          onValue={set(quantity)}
          options={numbers.map((each) => ({ value: each, text: each }))}
        />
        <Select
          label={text("category")}
          value={category.value}
          onValue={set(category)}
          options={[{ value: "", text: text("any_category") }, ...categories(show)]}
        />
      </div>
      <Check label={text("together")} checked={together.value} onChange={set(together)} />
      <Check label={text("accessible")} checked={accessible.value} onChange={set(accessible)} />
      <Button busy={busy} onClick={book}>
        {label ?? text("hold_best")}
      </Button>
    </section>
  );
}

function categories(show: Show) {
  return Object.entries(show.prices).map(([name, price]) => ({
    value: name,
    text: `${name} · ${money(price, show.currency)}`,
  }));
}

function Check({
  label,
  checked,
  onChange,
}: {
  label: string;
  checked: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      {label}
    </label>
  );
}
