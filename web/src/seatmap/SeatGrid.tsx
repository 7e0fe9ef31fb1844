import "./list.css";
import { useLayoutEffect, useRef } from "preact/hooks";
import { text } from "../shared/i18n/i18n";
import { at } from "./layout";
import { Mark } from "./Mark";
import { COLOURS } from "./marks";
import { moved } from "./moves";
import type { Picking } from "./picking";
import { columnsAround, rowsAround } from "./windows";
import { seatText } from "./words";

export interface SeatGridProps {
  readonly picking: Picking;
  /** Whether it is seen, or only there for the keyboard and for screen readers. */
  readonly shown: boolean;
}

/**
 * The seats around the one that has the focus, as a grid that arrow keys walk. It is written from left to right in
 * every language, as the hall is.
 */
export function SeatGrid({ picking, shown }: SeatGridProps) {
  const { model, focus, focused, feed } = picking;
  const grid = useRef<HTMLTableElement>(null);
  const current = focus.value;
  feed.version.value;
  const following = useRef(false);
  useLayoutEffect(() => {
    if (!focused.peek()) return;
    following.current = true;
    grid.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus({ preventScroll: !shown });
    following.current = false;
  }, [current]);
  const rows = rowsAround(model, current);
  const widest = model.seating.rows.reduce((most, _, row) => Math.max(most, model.seating.width(row)), 0);
  return (
    <div class={shown ? "seatmap-list" : "unseen"}>
      <p class="unseen" id="seatmap-keys">
        {text("seatmap.keys")}
      </p>
      <table
        ref={grid}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table is what a grid is made of.
        role="grid"
        dir="ltr"
        aria-label={text("seatmap.grid")}
        aria-describedby="seatmap-keys"
        aria-multiselectable="true"
        aria-readonly={picking.readOnly}
        aria-rowcount={model.seating.rows.length}
        aria-colcount={widest + 1}
        onFocusIn={(event) => {
          focused.value = true;
          // A screen reader may put the focus on any cell. What follows a key may be late, and changes nothing.
          if (!following.current) focus.value = seatOf(picking, event) ?? focus.value;
        }}
        onFocusOut={(event) => {
          if (!grid.current?.contains(event.relatedTarget as Node | null)) focused.value = false;
        }}
        onKeyDown={(event) => keyDown(picking, event)}
        onClick={(event) => click(picking, event)}
      >
        <tbody>
          {rows.map((row) => (
            <Row key={row} picking={picking} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Return the seat whose cell an event is about. */
function seatOf({ model }: Picking, event: Event): number | null {
  const label = (event.target as Element).closest<HTMLElement>("[data-seat]")?.dataset.seat;
  return label === undefined ? null : model.indexOf(label);
}

function click(picking: Picking, event: MouseEvent): void {
  const seat = seatOf(picking, event);
  if (seat === null) return;
  picking.focused.value = true;
  picking.focus.value = seat;
  picking.toggle(seat);
}

function keyDown(picking: Picking, event: KeyboardEvent): void {
  if (event.altKey || event.metaKey) return;
  const { focus, model } = picking;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    picking.toggle(focus.value);
    return;
  }
  const next = moved(model, focus.value, event.key, event.ctrlKey);
  if (next === null) return;
  event.preventDefault();
  focus.value = next;
}

function Row({ picking, row }: { readonly picking: Picking; readonly row: number }) {
  const { model, focus } = picking;
  const { label, first } = model.seating.rows[row] as (typeof model.seating.rows)[number];
  const section = model.seating.sectionName(model.seating.row(first));
  const [from, to] = columnsAround(model, focus.value, row);
  const seats = Array.from({ length: Math.max(0, to - from) }, (_, nth) => first + from + nth);
  return (
    <tr aria-rowindex={row + 1}>
      <th
        scope="row"
        aria-colindex={1}
        aria-label={[section, text("seatmap.row", { row: label })].filter(Boolean).join(", ")}
      >
        {label}
      </th>
      {seats.map((seat) => (
        <Cell key={seat} picking={picking} seat={seat} />
      ))}
    </tr>
  );
}

function Cell({ picking, seat }: { readonly picking: Picking; readonly seat: number }) {
  const { model, focus, tariff } = picking;
  const label = model.label(seat);
  const mine = picking.mine.includes(label);
  const chosen = picking.selected.value.includes(label);
  const place = model.seating.place(seat);
  const afterAisle = model.seating.row(seat).aisles.includes(place);
  const category = at(model.seating.category, seat);
  const free = model.isFree(seat);
  const looks = [
    "seatmap-seat",
    `category-${category % COLOURS}`,
    !free && !mine && "taken",
    chosen && "chosen",
    mine && "mine",
    afterAisle && "after-aisle",
  ];
  return (
    <td
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the cells of a grid are for choosing.
      role="gridcell"
      class={looks.filter(Boolean).join(" ")}
      data-seat={label}
      tabIndex={seat === focus.value ? 0 : -1}
      aria-colindex={place + 2}
      aria-selected={chosen || mine}
      aria-disabled={!free && !chosen}
      aria-label={seatText(model, seat, tariff, chosen, mine)}
    >
      <span aria-hidden="true">{chosen || mine ? "✓" : model.seating.name(seat)}</span>
      {free && !chosen && <Mark category={category} small />}
    </td>
  );
}
