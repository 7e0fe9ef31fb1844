import { COLOURS, polygon } from "./marks";

/** A category's shape in its colour. What it means is written beside it. */
export function Mark({ category, small = false }: { readonly category: number; readonly small?: boolean }) {
  const points = polygon(category, 9);
  return (
    <svg
      class={`seatmap-mark category-${category % COLOURS} ${small ? "small" : ""}`}
      viewBox="-11 -11 22 22"
      aria-hidden="true"
    >
      {points ? <polygon points={points} /> : <circle r="9" />}
    </svg>
  );
}
