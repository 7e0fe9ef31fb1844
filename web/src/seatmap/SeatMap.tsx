import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "../shared/api/client";
import { text } from "../shared/i18n/i18n";
import { useLoaded } from "../shared/ui/load";
import { ProblemNotice } from "../shared/ui/ProblemNotice";
import { Controls } from "./Controls";
import { choose, gone } from "./choice";
import { Legend } from "./Legend";
import type { LayoutAnswer } from "./layout";
import { SeatMapModel } from "./model";
import type { Picking } from "./picking";
import type { Renderer } from "./renderer";
import { SeatCanvas } from "./SeatCanvas";
import { SeatGrid } from "./SeatGrid";
import "./seatmap.css";
import { type SeatFeed, useSeatStates } from "./useSeatStates";
import { seatName, seatText, type Tariff } from "./words";

export { SeatMapModel } from "./model";
export { type SeatFeed, useSeatStates } from "./useSeatStates";

export interface SeatMapProps extends Tariff {
  readonly hallId: number;
  /** Absent: a preview of the hall, without states. */
  readonly showId?: number;
  /** Labels of the seats that are chosen. The map changes it. */
  readonly selected: Signal<readonly string[]>;
  /** How many seats may be chosen. */
  readonly most: number;
  /** Called when somebody wants to choose more, which the page says then. */
  readonly onFull?: () => void;
  /** Nothing can be chosen. */
  readonly readOnly?: boolean;
  /** Labels of the reader's own seats. */
  readonly mine?: readonly string[];
  /** A layout that is given rather than loaded. */
  readonly plan?: LayoutAnswer;
  /** States that the page follows already, by `useSeatStates`. */
  readonly feed?: SeatFeed;
  /** Told of the model as soon as the hall is known, for alternatives and counts. */
  readonly onModel?: (model: SeatMapModel) => void;
}

/** A hall in which seats can be chosen: a map for the eye, a grid for the keyboard, for screen readers and as a list. */
export function SeatMap(props: SeatMapProps) {
  const { hallId, plan } = props;
  const own = useSeatStates(props.feed ? undefined : props.showId);
  const layout = useLoaded(
    async (signal) =>
      plan ?? ok(api.GET("/api/halls/{hall_id}/layout", { params: { path: { hall_id: hallId } }, signal })),
    [hallId, plan],
  );
  if (layout.problem.value) return <ProblemNotice problem={layout.problem.value} onRetry={layout.reload} />;
  if (!layout.value.value)
    return (
      <div class="seatmap seatmap-waiting" role="status">
        <span class="waiting" aria-hidden="true" /> {text("loading")}
      </div>
    );
  return <Picker {...props} layout={layout.value.value} feed={props.feed ?? own} />;
}

interface PickerProps extends SeatMapProps {
  readonly layout: LayoutAnswer;
  readonly feed: SeatFeed;
}

const NONE: readonly string[] = [];

function Picker(props: PickerProps) {
  const { layout, feed, selected, onModel, showId, mine = NONE } = props;
  const model = useMemo(() => new SeatMapModel(layout, feed.states), [layout, feed]);
  useEffect(() => onModel?.(model), [model]);
  const news = useSignal("");
  const list = useSignal(false);
  const renderer = useSignal<Renderer | null>(null);
  const distant = useSignal(false);
  const focus = useSignal(Math.max(0, model.indexOf(selected.value[0] ?? "")));
  const focused = useSignal(false);
  const hover = useSignal(-1);
  const preview = showId === undefined;
  const picking: Picking = {
    model,
    feed,
    tariff: props,
    selected,
    mine,
    readOnly: props.readOnly ?? preview,
    focus,
    focused,
    hover,
    toggle: (seat) => toggle(props, model, seat, news),
  };
  useSignalEffect(() => {
    if (feed.version.value >= 0 && !props.readOnly) dropGone(props, model, news);
  });
  return (
    <div class="seatmap">
      <Controls picking={picking} renderer={renderer} list={list} />
      <div class="seatmap-frame">
        <SeatCanvas picking={picking} renderer={renderer} distant={distant} hidden={list.value} />
        {distant.value && !list.value && !preview && (
          <p class="seatmap-hint" aria-hidden="true">
            {text("seatmap.zoom_hint")}
          </p>
        )}
        <SeatGrid picking={picking} shown={list.value} />
      </div>
      <Pointed picking={picking} />
      <p class={news.value ? "notice warn seatmap-news" : "seatmap-news"} role="status">
        {news.value}
      </p>
      {feed.problem.value && <ProblemNotice problem={feed.problem.value} />}
      <Legend picking={picking} preview={preview} />
    </div>
  );
}

/** The seat below the mouse, or that the keyboard is at, in words. Screen readers hear it from the grid. */
function Pointed({ picking }: { readonly picking: Picking }) {
  const { model, hover, focus, focused, selected, tariff, mine, feed } = picking;
  feed.version.value;
  const seat = hover.value >= 0 ? hover.value : focused.value ? focus.value : -1;
  const label = seat >= 0 ? model.label(seat) : "";
  return (
    <p class="seatmap-pointed" aria-hidden="true">
      {seat >= 0 && seatText(model, seat, tariff, selected.value.includes(label), mine.includes(label))}
    </p>
  );
}

function toggle(props: PickerProps, model: SeatMapModel, seat: number, news: Signal<string>): void {
  if (props.readOnly || props.showId === undefined) return;
  const { outcome, chosen } = choose(model, props.selected.value, seat, props.most, props.mine ?? NONE);
  props.selected.value = chosen;
  news.value = "";
  if (outcome === "taken") news.value = text("seatmap.is_taken", { seat: seatName(model, seat) });
  if (outcome !== "full") return;
  if (props.onFull) props.onFull();
  else news.value = text("seatmap.full", { n: props.most });
}

/** Give up chosen seats that somebody else has got, and say so. */
function dropGone(props: PickerProps, model: SeatMapModel, news: Signal<string>): void {
  const { selected, mine = NONE } = props;
  const lost = gone(model, selected.value, mine);
  if (!lost.length) return;
  selected.value = selected.value.filter((label) => !lost.includes(label));
  const names = lost.map((label) => {
    const index = model.indexOf(label);
    return index < 0 ? label : seatName(model, index);
  });
  news.value = text("seatmap.has_gone", { n: lost.length, seats: names.join("; ") });
}
