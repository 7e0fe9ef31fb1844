import { useSignal } from "@preact/signals";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Dialog } from "../../shared/ui/Dialog";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { ActKind, Acts } from "./acts";

export interface ActButtonProps {
  readonly act: Acts;
  readonly kind: ActKind;
  readonly label: string;
  readonly primary?: boolean;
  /** A question to answer before it is done, for what cannot be undone. */
  readonly confirm?: string;
}

/** A button that does something with the booking, and says what went wrong. */
export function ActButton({ act, kind, label, primary = false, confirm }: ActButtonProps) {
  const asking = useSignal(false);
  const failed = act.failed.value;
  const press = () => {
    if (confirm) asking.value = true;
    else act.run(kind);
  };
  const close = () => {
    asking.value = false;
  };
  return (
    <>
      <Button kind={primary ? "primary" : "plain"} busy={act.busy.value === kind} onClick={press}>
        {label}
      </Button>
      {failed?.name === kind && <ProblemNotice problem={failed.problem} onRetry={() => act.run(kind)} />}
      {asking.value && confirm && (
        <Dialog title={label} onClose={close}>
          <p>{confirm}</p>
          <div class="row">
            <Button
              kind="danger"
              onClick={() => {
                close();
                act.run(kind);
              }}
            >
              {label}
            </Button>
            <Button onClick={close}>{text("keep_booking")}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
