import type { ComponentChildren } from "preact";

export interface ButtonProps {
  readonly onClick?: () => void;
  readonly kind?: "primary" | "plain" | "quiet" | "danger";
  readonly type?: "button" | "submit";
  /** Why it does nothing now: it stays focusable, and says so. */
  readonly unavailable?: string | undefined;
  /** Something that it began is not done yet: a second press does nothing. */
  readonly busy?: boolean;
  readonly label?: string;
  readonly children: ComponentChildren;
}

export function Button({
  onClick,
  kind = "plain",
  type = "button",
  unavailable,
  busy = false,
  label,
  children,
}: ButtonProps) {
  const off = busy || unavailable !== undefined;
  const press = (event: MouseEvent) => {
    if (off) event.preventDefault();
    else onClick?.();
  };
  return (
    <button
      type={type}
      class={`button ${kind}`}
      aria-disabled={off}
      aria-busy={busy}
      aria-label={label}
      title={unavailable}
      onClick={press}
    >
      {busy && <span class="waiting" aria-hidden="true" />}
      {children}
    </button>
  );
}
