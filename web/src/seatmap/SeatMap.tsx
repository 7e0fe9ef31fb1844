/** The seat picker: a drawn map, the same as a grid for keyboard and screen readers, and a legend. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "../shared/api/client";
import { money } from "../shared/format";
import { text } from "../shared/i18n/i18n";
import { Button } from "../shared/ui/Button";
import { Select } from "../shared/ui/Field";
import { useLoaded } from "../shared/ui/load";
import { ProblemNotice } from "../shared/ui/ProblemNotice";
import { Places } from "./geometry";
import { Legend } from "./Legend";
import { Hall, type Layout } from "./layout";
import { SeatCanvas } from "./SeatCanvas";
import { SeatGrid } from "./SeatGrid";
import { FREE } from "./states";
import { useSeatStates } from "./useSeatStates";
import "./seatmap.css";

export interface SeatMapProps {
  readonly hallId: number;
  /** None: a preview, in which every seat is free. */
  readonly showId?: number;
  /** By category, in the currency's minor unit. */
  readonly prices: Readonly<Record<string, number>>;
  readonly currency: string;
  /** Labels of the chosen seats. Those that are taken meanwhile are removed. */
  readonly selected: Signal<readonly string[]>;
  /** How many may be chosen. */
  readonly most: number;
  /** Called when one more than that is tried. */
  readonly onFull?: () => void;
  readonly readOnly?: boolean;
  /** Labels of seats that the buyer has already. */
  readonly mine?: readonly string[];
  /** The layout, if it is at hand: of a hall that is not stored yet. */
  readonly plan?: Layout;
}

export function SeatMap(props: SeatMapProps) {
  const { value, problem, reload } = useLoaded(
    async (signal) =>
      new Hall(
        props.plan ??
          (await ok(
            api.GET("/api/halls/{hall_id}/layout", { params: { path: { hall_id: props.hallId } }, signal }),
          )),
      ),
    [props.hallId, props.plan],
  );
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  return <Picker {...props} hall={value.value} />;
}

function Picker({ hall, ...props }: SeatMapProps & { hall: Hall }) {
  const { known } = useSeatStates(props.showId);
  const places = useMemo(() => new Places(hall), [hall]);
  const current = useSignal(0);
  const inside = useSignal(false);
  const listed = useSignal(false);
  const news = useSignal("");
  const states = known.value?.states ?? null;
  const selected = useMemo(() => indexes(hall, props.selected.value), [hall, props.selected.value]);
  const mine = useMemo(() => indexes(hall, props.mine ?? []), [hall, props.mine]);
  const isFree = (index: number) => (states?.[index] ?? FREE) === FREE;
  useEffect(() => {
    const gone = [...selected].filter((index) => !isFree(index)).map((index) => hall.label(index));
    if (!gone.length) return;
    props.selected.value = props.selected.value.filter((label) => !gone.includes(label));
    news.value = text("seats_gone_now", { n: gone.length, seats: gone.join(", ") });
  }, [states, selected]);
  const toggle = (index: number) => {
    current.value = index;
    const label = hall.label(index);
    if (props.readOnly || (!isFree(index) && !selected.has(index))) return;
    if (selected.has(index)) props.selected.value = props.selected.value.filter((each) => each !== label);
    else if (props.selected.value.length >= props.most) props.onFull?.();
    else props.selected.value = [...props.selected.value, label];
  };
  const scene = useMemo(
    () => ({ hall, places, states, selected, mine, focus: inside.value ? current.value : -1 }),
    [hall, places, states, selected, mine, inside.value, current.value],
  );
  return (
    <div class="seat-map">
      <div class="seat-map-head">
        <Jump hall={hall} current={current} />
        <Button
          kind="quiet"
          onClick={() => {
            listed.value = !listed.value;
          }}
        >
          {text(listed.value ? "as_map" : "as_list")}
        </Button>
      </div>
      {!listed.value && <SeatCanvas scene={scene} onSeat={toggle} />}
      <SeatGrid
        hall={hall}
        current={current.value}
        shown={listed.value}
        nameOf={(index) => nameOf(hall, index, props, isFree(index), selected.has(index))}
        isFree={isFree}
        isSelected={(index) => selected.has(index)}
        onMove={(index) => {
          current.value = index;
        }}
        onToggle={toggle}
        onFocus={(now) => {
          inside.value = now;
        }}
      />
      <p class={news.value ? "seat-news" : "unseen"} role="status">
        {news.value}
      </p>
      <Legend hall={hall} states={states} prices={props.prices} currency={props.currency} />
    </div>
  );
}

function indexes(hall: Hall, labels: readonly string[]): ReadonlySet<number> {
  return new Set(labels.map((label) => hall.indexOf(label)).filter((index) => index >= 0));
}

/** Go to a row at once: long halls have hundreds. */
function Jump({ hall, current }: { hall: Hall; current: Signal<number> }) {
  const number = hall.rowOf[current.value] ?? 0;
  return (
    <Select
      label={text("row")}
      value={String(number)}
      onValue={(value) => {
        current.value = hall.rows[Number(value)]?.first ?? 0;
      }}
      options={hall.rows.map((row, index) => ({
        value: String(index),
        text: row.section ? `${hall.sections.get(row.section) ?? row.section} · ${row.label}` : row.label,
      }))}
    />
  );
}

/** What a seat is called in full: "Balcony, row C, seat 12, premium, €18.00, free". */
function nameOf(
  hall: Hall,
  index: number,
  { prices, currency }: SeatMapProps,
  free: boolean,
  selected: boolean,
): string {
  const { section, row, seat, category, kind } = hall.nameOf(index);
  const price = prices[category];
  return [
    section,
    text("seat_of_row", { row, seat }),
    kind === "seat" ? null : text(`kind_${kind}`),
    category,
    price === undefined ? null : money(price, currency),
    text(selected ? "seat_chosen" : free ? "seat_free" : "seat_taken_state"),
  ]
    .filter(Boolean)
    .join(", ");
}
