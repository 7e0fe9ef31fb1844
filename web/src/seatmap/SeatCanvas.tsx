import { effect, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { language, text } from "../shared/i18n/i18n";
import { theme } from "../shared/theme";
import type { Part } from "./geometry";
import { listen } from "./gestures";
import type { SeatMapModel } from "./model";
import { onColours, readPalette } from "./palette";
import type { Picking } from "./picking";
import { Renderer, type Words } from "./renderer";
import { around, READABLE, showing } from "./view";

/** Seats are chosen by tapping only where they are at least so large; where they are smaller, a tap zooms in. */
const LEAST = { mouse: 10, other: 24 };

/** Device pixels a pixel that are drawn at the most: more cannot be told apart, and cost phones their frames. */
const MOST_PIXELS = 2;

export interface SeatCanvasProps {
  readonly picking: Picking;
  /** Told of the renderer as soon as there is one, for the buttons that zoom. */
  readonly renderer: Signal<Renderer | null>;
  /** Whether seats are too small to choose, now. */
  readonly distant: Signal<boolean>;
  readonly hidden: boolean;
}

/** The picture of the hall. It is for the eye: what it means is in the grid. */
export function SeatCanvas({ picking, renderer, distant, hidden }: SeatCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { model } = picking;
  const latest = useRef(picking);
  latest.current = picking;
  const marked = [picking.mine.join(), language.value].join("|");
  useEffect(() => {
    const element = canvas.current;
    const host = element?.parentElement;
    if (!element || !host) return;
    const made = new Renderer(element, model, readPalette(host), words(model));
    made.onView = () => {
      const small = made.view.scale < LEAST.mouse;
      if (distant.peek() !== small) distant.value = small;
      element.dataset.home = String(made.atHome);
    };
    renderer.value = made;
    const ends = [
      observe(host, made),
      onColours(() => made.restyle(readPalette(host), words(model))),
      listen(element, made, {
        onTap: (seat, x, y, pointer) => tap(latest.current, made, seat, x, y, pointer),
        onHover: (seat) => {
          if (picking.hover.peek() !== seat) picking.hover.value = seat;
        },
      }),
    ];
    return () => {
      for (const end of ends) end();
      made.stop();
      renderer.value = null;
    };
  }, [model]);
  useEffect(() => follow(latest, renderer, canvas.current), [model, marked]);
  return (
    <div class="seatmap-stage" hidden={hidden} aria-hidden="true">
      <canvas ref={canvas} />
    </div>
  );
}

/** Draw what changes: marks, states, colours. Return what ends it. */
function follow(
  latest: { readonly current: Picking },
  renderer: Signal<Renderer | null>,
  canvas: HTMLCanvasElement | null,
): () => void {
  const { model, feed, focus, focused, hover, selected } = latest.current;
  const indexes = (labels: readonly string[]) =>
    labels.map((label) => model.indexOf(label)).filter((seat) => seat >= 0);
  const ends = [
    effect(() => {
      const marks = { chosen: indexes(selected.value), mine: indexes(latest.current.mine) };
      renderer.value?.mark({ ...marks, focus: focused.value ? focus.value : -1, hover: hover.value });
      canvas?.classList.toggle("over-seat", hover.value >= 0);
    }),
    effect(() => {
      if (feed.version.value >= 0) renderer.value?.change(feed.changed.value);
    }),
    effect(() => {
      const drawn = renderer.value;
      if (drawn && focused.value && drawn.size.width) show(drawn, focus.value);
    }),
    effect(() => {
      theme.value;
      const host = canvas?.parentElement;
      if (host) renderer.value?.restyle(readPalette(host), words(model));
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Move the view, if need be, so that a seat is seen. */
export function show(renderer: Renderer, seat: number): void {
  const { x, y, bounds } = renderer.model.places;
  renderer.look(showing(renderer.view, x[seat] ?? 0, y[seat] ?? 0, bounds, renderer.size));
}

function observe(host: HTMLElement, renderer: Renderer): () => void {
  const resize = () =>
    renderer.resize(host.clientWidth, host.clientHeight, Math.min(MOST_PIXELS, devicePixelRatio || 1));
  const observer = new ResizeObserver(resize);
  observer.observe(host);
  resize();
  return () => observer.disconnect();
}

function words(model: SeatMapModel): Words {
  const free = new Map<Part, { readonly version: number; readonly count: number }>();
  return {
    stage: text("seatmap.stage"),
    part: (part) => {
      let known = free.get(part);
      if (known?.version !== model.version) {
        known = { version: model.version, count: model.freeInSection(part.firstRow) };
        free.set(part, known);
      }
      return text("seatmap.free", { n: known.count });
    },
  };
}

function tap(
  picking: Picking,
  renderer: Renderer,
  seat: number,
  px: number,
  py: number,
  pointer: string,
): void {
  const { view, size, model } = renderer;
  if (view.scale < (pointer === "mouse" ? LEAST.mouse : LEAST.other)) {
    const x = view.x + px / view.scale;
    const y = view.y + py / view.scale;
    renderer.look(around(x, y, READABLE, model.places.bounds, size));
  } else if (seat >= 0) {
    picking.focus.value = seat;
    picking.toggle(seat);
  }
}
