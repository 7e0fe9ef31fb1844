import type { ComponentChildren } from "preact";
import type { ApiProblem } from "../api/problems";
import { text } from "../i18n/i18n";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ProblemNotice } from "./ProblemNotice";

export interface ConfirmProps {
  /** What is done: the dialog's title, and its button, which is never called "OK". */
  readonly title: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  readonly kind?: "danger" | "primary";
  /** The button that does nothing, if "Cancel" could be mistaken for the act. */
  readonly no?: string;
  readonly busy?: boolean;
  /** What went wrong, if the dialog stays open until the act is done. */
  readonly problem?: ApiProblem | undefined;
  readonly onYes: () => void;
  readonly onClose: () => void;
}

/** Ask before an act that cannot be undone. */
export function Confirm({
  title,
  children,
  kind = "danger",
  no,
  busy = false,
  problem,
  onYes,
  onClose,
}: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {problem && <ProblemNotice problem={problem} />}
      <div class="row">
        <Button kind={kind} busy={busy} onClick={onYes}>
          {title}
        </Button>
        <Button onClick={onClose}>{no ?? text("cancel")}</Button>
      </div>
    </Dialog>
  );
}
