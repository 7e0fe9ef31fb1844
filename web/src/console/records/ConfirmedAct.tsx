import { useSignal } from "@preact/signals";
import { Button } from "../../shared/ui/Button";
import { Confirm } from "../../shared/ui/Confirm";
import { useAct } from "../../shared/ui/useAct";

export interface ConfirmedActProps {
  readonly label: string;
  /** What will happen. */
  readonly explained: string;
  readonly danger?: boolean;
  /** Do it. Throws: ApiProblem, which the dialog shows. */
  readonly act: () => Promise<unknown>;
}

/** A button whose act is done only after a confirmation. The server's refusal is shown where it was confirmed. */
export function ConfirmedAct({ label, explained, danger = false, act }: ConfirmedActProps) {
  const asking = useSignal(false);
  const { busy, problem, run } = useAct();
  const open = () => {
    problem.value = undefined;
    asking.value = true;
  };
  const confirm = async () => {
    if (!(await run(act))) return;
    asking.value = false;
    // The button may be gone with what it acted on; then the focus would be nowhere.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) document.querySelector<HTMLElement>("main h1")?.focus();
    });
  };
  return (
    <>
      <Button kind={danger ? "danger" : "plain"} onClick={open}>
        {label}
      </Button>
      {asking.value && (
        <Confirm
          title={label}
          kind={danger ? "danger" : "primary"}
          busy={busy.value}
          problem={problem.value}
          onYes={() => void confirm()}
          onClose={() => (asking.value = false)}
        >
          <p>{explained}</p>
        </Confirm>
      )}
    </>
  );
}
