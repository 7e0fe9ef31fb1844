import { text } from "../../shared/i18n/i18n";
import { Field } from "../../shared/ui/Field";
import type { Form } from "./useForm";

/** The field for the password that an account has now: changes that could take it from its owner need it. */
export function CurrentPassword<T extends { password: string }>({
  form,
  hint,
}: {
  form: Form<T>;
  hint?: string;
}) {
  return (
    <Field
      label={text("current_password")}
      type="password"
      autoComplete="current-password"
      required
      {...(hint && { hint })}
      {...form.field("password")}
    />
  );
}
