import { useSignal } from "@preact/signals";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Confirm } from "../../shared/ui/Confirm";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { ActKind, BookingActs } from "./acts";

export interface ActButtonProps {
  readonly act: BookingActs;
  readonly kind: ActKind;
  readonly label: string;
  readonly primary?: boolean;
  /** A question to answer before it is done, for what cannot be undone. */
  readonly confirm?: string;
}

/** A button that does something with the booking, and says what went wrong. */
export function ActButton({ act, kind, label, primary = false, confirm }: ActButtonProps) {
  const asking = useSignal(false);
  const problem = act.problemOf(kind);
  const press = () => {
    if (confirm) asking.value = true;
    else act.run(kind);
  };
  const close = () => {
    asking.value = false;
  };
  return (
    <>
      <Button kind={primary ? "primary" : "plain"} busy={act.isBusy(kind)} onClick={press}>
        {label}
      </Button>
      {problem && <ProblemNotice problem={problem} onRetry={() => act.run(kind)} />}
      {asking.value && confirm && (
        <Confirm
          title={label}
          no={text("keep_booking")}
          onClose={close}
          onYes={() => {
            close();
            act.run(kind);
          }}
        >
          <p>{confirm}</p>
        </Confirm>
      )}
    </>
  );
}
