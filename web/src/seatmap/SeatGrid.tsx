/** The map as a grid of seats by rows: what a screen reader reads, the keyboard walks, and the list view shows. */

import { useEffect, useRef } from "preact/hooks";
import { direction, text } from "../shared/i18n/i18n";
import { moved } from "./geometry";
import type { Hall, Row } from "./layout";

export interface SeatGridProps {
  readonly hall: Hall;
  /** The seat that the keyboard is at. */
  readonly current: number;
  readonly shown: boolean;
  readonly nameOf: (index: number) => string;
  readonly isFree: (index: number) => boolean;
  readonly isSelected: (index: number) => boolean;
  readonly onMove: (index: number) => void;
  readonly onToggle: (index: number) => void;
  readonly onFocus: (inside: boolean) => void;
}

/** Rows above and below the current one, and seats left and right of it, that exist as elements. */
const ROWS = 6;
const SEATS = 40;

export function SeatGrid(props: SeatGridProps) {
  const { hall, current, shown } = props;
  const grid = useRef<HTMLDivElement>(null);
  const number = hall.rowOf[current] ?? 0;
  const rows = hall.rows.slice(Math.max(0, number - ROWS), number + ROWS + 1);
  useEffect(() => {
    if (grid.current?.contains(document.activeElement)) {
      grid.current.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: !shown });
    }
  }, [current]);
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return props.onToggle(current);
    }
    const next = moved(hall, current, event.key, event.ctrlKey || event.metaKey, direction.value === "rtl");
    if (next === null) return;
    event.preventDefault();
    props.onMove(next);
  };
  return (
    <div
      ref={grid}
      class={shown ? "seat-grid" : "seat-grid unseen"}
      role="grid"
      tabIndex={-1}
      aria-label={text("seat_map")}
      aria-rowcount={hall.rows.length}
      aria-multiselectable="true"
      onKeyDown={press}
      onFocusIn={() => props.onFocus(true)}
      onFocusOut={() => props.onFocus(false)}
    >
      {rows.map((row) => (
        <GridRow key={row.first} row={row} {...props} />
      ))}
    </div>
  );
}

function GridRow({ row, ...props }: SeatGridProps & { row: Row }) {
  const { hall, current } = props;
  const near =
    hall.rowOf[current] === hall.rowOf[row.first] ? current - row.first : Math.floor(row.names.length / 2);
  const from = Math.max(0, near - SEATS);
  const seats = row.names.slice(from, near + SEATS + 1);
  return (
    <div role="row" tabIndex={-1} aria-rowindex={(hall.rowOf[row.first] ?? 0) + 1} class="seat-row">
      <span role="rowheader" class="seat-row-name">
        {row.label}
      </span>
      {seats.map((name, place) => {
        const index = row.first + from + place;
        const free = props.isFree(index);
        return (
          <button
            key={index}
            type="button"
            role="gridcell"
            class={`seat-cell category-${(hall.category[index] ?? 0) % 8} ${free ? "" : "taken"}`}
            tabIndex={index === current ? 0 : -1}
            aria-label={props.nameOf(index)}
            aria-selected={props.isSelected(index)}
            aria-disabled={!free && !props.isSelected(index)}
            data-seat={hall.label(index)}
            onClick={() => props.onToggle(index)}
          >
            {props.isSelected(index) ? "✓" : name}
          </button>
        );
      })}
    </div>
  );
}
