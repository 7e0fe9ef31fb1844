import type { ComponentChildren } from "preact";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { Form } from "./useForm";

export interface FormViewProps<T extends Record<string, string>> {
  readonly form: Form<T>;
  readonly title: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly children: ComponentChildren;
}

/** A part of the account with a form of its own, its outcome and its problem. */
export function FormView<T extends Record<string, string>>({
  form,
  title,
  action,
  danger,
  children,
}: FormViewProps<T>) {
  return (
    <form class="card stack" aria-label={title} onSubmit={form.submit}>
      <h2>{title}</h2>
      {form.problem.value && <ProblemNotice problem={form.problem.value} />}
      {form.done.value && <Notice kind="good">{text("saved")}</Notice>}
      {children}
      <div class="row">
        <Button type="submit" kind={danger ? "danger" : "primary"} busy={form.busy.value}>
          {action}
        </Button>
      </div>
    </form>
  );
}
