import { useSignal } from "@preact/signals";
import type { components } from "../../shared/api/schema";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Confirm } from "../../shared/ui/Confirm";
import { change, close } from "./acts";
import type { Perform } from "./ShowPage";

type Show = components["schemas"]["ShowAnswer"];
type Kind = "pause" | "resume" | "close" | "close_and_cancel";

export interface SaleActsProps {
  readonly show: Show;
  readonly busy: boolean;
  readonly perform: Perform;
}

/** Pause, resume and close a show. Each asks first, and says what happens. */
export function SaleActs({ show, busy, perform }: SaleActsProps) {
  const asked = useSignal<Kind | null>(null);
  const kinds = possible(show.state);
  const kind = asked.value;
  return (
    <section class="card stack">
      <h2>{text("sale")}</h2>
      <div class="row">
        {kinds.map((each) => (
          <Button
            key={each}
            kind={each.startsWith("close") ? "danger" : "plain"}
            busy={busy}
            onClick={() => (asked.value = each)}
          >
            {text(`act.${each}`)}
          </Button>
        ))}
      </div>
      {kind && (
        <Confirm
          title={text(`act.${kind}`)}
          onClose={() => (asked.value = null)}
          onYes={() => {
            asked.value = null;
            perform(() => sent(show.id, kind));
          }}
        >
          <p>{text(`confirm.${kind}`, { show: show.name, n: show.held + show.sold })}</p>
        </Confirm>
      )}
    </section>
  );
}

/** A closed show can still have its bookings cancelled. */
function possible(state: Show["state"]): readonly Kind[] {
  if (state === "CLOSED") return ["close_and_cancel"];
  return [state === "PAUSED" ? "resume" : "pause", "close", "close_and_cancel"];
}

function sent(showId: number, kind: Kind) {
  if (kind === "pause") return change(showId, { state: "PAUSED" });
  if (kind === "resume") return change(showId, { state: "ON_SALE" });
  return close(showId, kind === "close_and_cancel");
}
