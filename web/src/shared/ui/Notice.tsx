import type { ComponentChildren } from "preact";

export interface NoticeProps {
  readonly kind?: "info" | "good" | "warn" | "bad";
  readonly children: ComponentChildren;
}

/** Something that the reader should know. Bad news interrupts a screen reader, other news waits for a pause. */
export function Notice({ kind = "info", children }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}
