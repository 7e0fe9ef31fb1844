import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clock } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { serverNow } from "../../shared/server_clock";

/** A countdown to the opening, by the server's clock. */
export function OpensIn({ at, onOpen }: { at: number; onOpen: () => void }) {
  const left = useSignal(at - serverNow());
  useEffect(() => {
    const timer = setInterval(() => {
      left.value = at - serverNow();
      if (left.value > 0) return;
      clearInterval(timer);
      onOpen();
    }, 250);
    return () => clearInterval(timer);
  }, [at]);
  return (
    <div class="card hold">
      <p class="soft">{text("opens_in")}</p>
      <p class="hold-clock" role="timer">
        {clock(left.value / 1000)}
      </p>
      <p>{text("opens_explained")}</p>
    </div>
  );
}
