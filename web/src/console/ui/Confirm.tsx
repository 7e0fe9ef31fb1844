import type { ComponentChildren } from "preact";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Dialog } from "../../shared/ui/Dialog";

export interface ConfirmProps {
  readonly title: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  readonly onYes: () => void;
  readonly onClose: () => void;
}

/** Ask before an act. The button names the act, not "OK". */
export function Confirm({ title, children, onYes, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div class="row">
        <Button
          kind="danger"
          onClick={() => {
            onClose();
            onYes();
          }}
        >
          {title}
        </Button>
        <Button onClick={onClose}>{text("cancel")}</Button>
      </div>
    </Dialog>
  );
}
