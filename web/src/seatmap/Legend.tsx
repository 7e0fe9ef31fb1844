import { text } from "../shared/i18n/i18n";
import { at } from "./layout";
import { Mark } from "./Mark";
import type { Picking } from "./picking";
import { priceText } from "./words";

/** What shapes and colours mean: categories with price and how many are left, and the states of seats. */
export function Legend({ picking, preview }: { readonly picking: Picking; readonly preview: boolean }) {
  const { model, feed, tariff } = picking;
  const known = feed.version.value >= 0;
  const free = model.free();
  const kinds = new Set(model.seating.kind);
  return (
    <div class="seatmap-legend">
      <ul aria-label={text("seatmap.categories")}>
        {model.layout.categories.map((key, category) => (
          <li key={key}>
            <Mark category={category} />
            <span class="seatmap-category">{model.seating.categoryName(category)}</span>
            <strong>{priceText(model, category, tariff)}</strong>
            {known && <span class="soft">{text("seatmap.left", { n: at(free, category) })}</span>}
            {preview && <span class="soft">{text("seatmap.seats", { n: at(free, category) })}</span>}
          </li>
        ))}
      </ul>
      <ul aria-label={text("seatmap.meaning")}>
        {!preview && (
          <>
            <State look="taken" label={text("seatmap.legend.taken")} />
            <State look="chosen" label={text("seatmap.legend.chosen")} />
            {picking.mine.length > 0 && <State look="mine" label={text("seatmap.legend.mine")} />}
          </>
        )}
        {kinds.has(1) && <Sign kind="wheelchair" />}
        {kinds.has(2) && <Sign kind="companion" />}
      </ul>
    </div>
  );
}

function State({ look, label }: { readonly look: string; readonly label: string }) {
  return (
    <li>
      <svg class={`seatmap-mark ${look}`} viewBox="-11 -11 22 22" aria-hidden="true">
        <rect x="-8" y="-8" width="16" height="16" />
        <path d={look === "taken" ? "M-8 8 8-8" : "M-4 0-1 3.5 4.5-4"} />
      </svg>
      <span>{label}</span>
    </li>
  );
}

/** The canvas's symbol of an accessible place or a companion's seat. */
function Sign({ kind }: { readonly kind: "wheelchair" | "companion" }) {
  return (
    <li>
      <svg class="seatmap-mark sign" viewBox="-11 -11 22 22" aria-hidden="true">
        {kind === "wheelchair" ? (
          <>
            <circle class="full" cx="-1" cy="-7.5" r="2.2" />
            <path d="M-1-4V1H4L6 6.5M-3-1.5A5 5 0 1 0 3.5 6" />
          </>
        ) : (
          <>
            <circle class="full" cx="-4" cy="-4.5" r="2.4" />
            <circle class="full" cx="4" cy="-4.5" r="2.4" />
            <path d="M-8 5A4 4 0 0 1 0 5M0 5A4 4 0 0 1 8 5" />
          </>
        )}
      </svg>
      <span>{text(`seatmap.kind.${kind}`)}</span>
    </li>
  );
}
