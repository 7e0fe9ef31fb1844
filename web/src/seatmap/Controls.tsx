import type { Signal } from "@preact/signals";
import { text } from "../shared/i18n/i18n";
import { Button } from "../shared/ui/Button";
import { Select } from "../shared/ui/Field";
import { at } from "./layout";
import type { Picking } from "./picking";
import type { Renderer } from "./renderer";
import { show } from "./SeatCanvas";
import { around, READABLE, zoomed } from "./view";
import { SEATS } from "./windows";

const FACTOR = 1.6;

export interface ControlsProps {
  readonly picking: Picking;
  readonly renderer: Signal<Renderer | null>;
  /** Whether the seats are a list now. */
  readonly list: Signal<boolean>;
}

/** The buttons and choices above the map. */
export function Controls({ picking, renderer, list }: ControlsProps) {
  return (
    <div class="seatmap-controls">
      <Jumps picking={picking} renderer={renderer} list={list} />
      {list.value ? <Steps picking={picking} /> : <Zoom renderer={renderer} />}
      <div class="seatmap-switch">
        <button
          type="button"
          class="button"
          aria-pressed={!list.value}
          onClick={() => {
            list.value = false;
          }}
        >
          {text("seatmap.map")}
        </button>
        <button
          type="button"
          class="button"
          aria-pressed={list.value}
          onClick={() => {
            list.value = true;
          }}
        >
          {text("seatmap.list")}
        </button>
      </div>
    </div>
  );
}

/** Leads to a section or a row, in the map and in the list. */
function Jumps({ picking, renderer, list }: ControlsProps) {
  const { model, focus } = picking;
  const { rows, layout } = model.seating;
  const row = at(model.seating.rowOf, focus.value);
  const section = rows[row]?.section ?? null;
  const go = (number: number) => {
    const { first } = rows[number] ?? { first: 0 };
    focus.value = first + (model.seating.width(number) >> 1);
    if (!list.value && renderer.value) show(renderer.value, focus.value);
  };
  const goToSection = (key: string) => {
    const number = rows.findIndex((each) => (each.section ?? "") === key);
    const part = model.places.parts.find((each) => each.firstRow === number);
    go(number);
    const drawn = renderer.value;
    if (!part || list.value || !drawn) return;
    const { left, right, top, bottom } = part.box;
    const fit = 0.9 * Math.min(drawn.size.width / (right - left), drawn.size.height / (bottom - top));
    const scale = Math.min(READABLE * 1.2, Math.max(fit, drawn.home().scale));
    drawn.look(around((left + right) / 2, (top + bottom) / 2, scale, model.places.bounds, drawn.size));
  };
  const ofSection = rows.flatMap((each, number) => (each.section === section ? [{ each, number }] : []));
  return (
    <>
      {layout.sections.length > 1 && (
        <Select
          label={text("seatmap.section")}
          value={section ?? ""}
          onValue={goToSection}
          options={layout.sections.map(({ key, name }) => ({ value: key, text: name }))}
        />
      )}
      <Select
        label={text("seatmap.to_row")}
        value={String(row)}
        onValue={(value) => go(Number(value))}
        options={ofSection.map(({ each, number }) => ({ value: String(number), text: each.label }))}
      />
    </>
  );
}

function Zoom({ renderer }: { readonly renderer: Signal<Renderer | null> }) {
  const zoom = (factor: number) => {
    const drawn = renderer.value;
    if (!drawn) return;
    const { view, size, model } = drawn;
    drawn.look(zoomed(view, factor, size.width / 2, size.height / 2, model.places.bounds, size));
  };
  const home = () => renderer.value?.look(renderer.value.home());
  return (
    <div class="seatmap-zoom">
      <Button onClick={() => zoom(FACTOR)} label={text("seatmap.zoom_in")}>
        <span aria-hidden="true">+</span>
      </Button>
      <Button onClick={() => zoom(1 / FACTOR)} label={text("seatmap.zoom_out")}>
        <span aria-hidden="true">−</span>
      </Button>
      <Button onClick={home}>{text("seatmap.whole_hall")}</Button>
    </div>
  );
}

/** Lead along rows that are too long for the list. */
function Steps({ picking }: { readonly picking: Picking }) {
  const { model, focus } = picking;
  const row = model.seating.row(focus.value);
  const width = model.seating.width(at(model.seating.rowOf, focus.value));
  if (width <= SEATS) return null;
  const step = (by: number) => {
    const place = Math.min(width - 1, Math.max(0, model.seating.place(focus.value) + by));
    focus.value = row.first + place;
  };
  return (
    <div class="seatmap-zoom">
      <Button onClick={() => step(-SEATS)}>{text("seatmap.farther_left")}</Button>
      <Button onClick={() => step(SEATS)}>{text("seatmap.farther_right")}</Button>
    </div>
  );
}
