/** A curve of the last hour, what it says in one sentence, and the same as a table. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { number } from "../../shared/format";
import { locale, text } from "../../shared/i18n/i18n";
import { theme } from "../../shared/theme";
import { Button } from "../../shared/ui/Button";
import { type Series, summary } from "./samples";

export interface ChartProps {
  readonly title: string;
  /** The names of the columns. */
  readonly names: readonly string[];
  readonly series: Series;
}

const COLOURS = ["--category-0", "--category-1", "--category-2"];
const DASHES = [[], [6, 4], [2, 3]];
const HEIGHT = 180;
/** Rows of the table: the newest, one of every minute. */
const ROWS = 60;

export function Chart({ title, names, series }: ChartProps) {
  const listed = useSignal(false);
  return (
    <section class="card chart">
      <div class="row between">
        <h2>{title}</h2>
        <Button kind="quiet" onClick={() => (listed.value = !listed.value)}>
          {text(listed.value ? "as_chart" : "as_table")}
        </Button>
      </div>
      <ul class="chart-lines soft">
        {names.map((name, index) => (
          <li key={name}>
            <span class={`line-sample line-${index}`} aria-hidden="true" />
            {summed(name, series.columns[index] ?? [])}
          </li>
        ))}
      </ul>
      {listed.value ? <Rows names={names} series={series} /> : <Plot names={names} series={series} />}
    </section>
  );
}

function summed(name: string, column: Series["columns"][number]): string {
  const found = summary(column);
  if (!found) return text("chart.none", { name });
  const whole = (value: number) => number(value, { maximumFractionDigits: 1 });
  return text("chart.summary", {
    name,
    now: whole(found.now),
    most: whole(found.most),
    mean: whole(found.mean),
  });
}

/**
 * Return a callback for a token's colour: it is read at each drawing, so a change of the theme needs only a redraw.
 *
 * A canvas knows no light-dark(): the browser resolves it as an element's colour.
 */
function token(name: string) {
  return () => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
}

function options(names: readonly string[], width: number): uPlot.Options {
  const axis = {
    stroke: token("--text-soft"),
    grid: { stroke: token("--line"), width: 1 },
    ticks: { stroke: token("--line") },
  };
  const clock = new Intl.DateTimeFormat(locale.value, { timeStyle: "medium" });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, space: 90, values: (_, times) => times.map((each) => clock.format(each * 1000)) },
      { ...axis, size: 60, values: (_, values) => values.map((value) => number(value)) },
    ],
    series: [
      {},
      ...names.map((label, index) => ({
        label,
        width: 2,
        stroke: token(COLOURS[index] ?? "--text"),
        dash: DASHES[index] ?? [],
      })),
    ],
  };
}

function Plot({ names, series }: Omit<ChartProps, "title">) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = [series.times, ...series.columns] as unknown as uPlot.AlignedData;
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(options(names, element.clientWidth), data, element);
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    sizes.observe(element);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => made.redraw();
    dark.addEventListener("change", redraw);
    return () => {
      sizes.disconnect();
      dark.removeEventListener("change", redraw);
      made.destroy();
    };
  }, [locale.value]);
  useEffect(() => plot.current?.setData(data), [series]);
  useEffect(() => plot.current?.redraw(), [theme.value]);
  return <div ref={place} class="plot" aria-hidden="true" />;
}

function Rows({ names, series }: Omit<ChartProps, "title">) {
  const clock = new Intl.DateTimeFormat(locale.value, { timeStyle: "medium" });
  const rows = series.times
    .map((_, index) => series.times.length - 1 - index)
    .filter((_, back) => back % 60 === 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="scroller" aria-label={names.join(", ")} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text("time")}</th>
            {names.map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS).map((row) => (
            <tr key={row}>
              <th scope="row">{clock.format((series.times[row] ?? 0) * 1000)}</th>
              {series.columns.map((column, index) => (
                <td key={names[index]} class="number">
                  {column[row] == null ? text("unknown") : number(column[row], { maximumFractionDigits: 1 })}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
