import { useSignal } from "@preact/signals";
import { signIn, signUp } from "../api/session";
import { text } from "../i18n/i18n";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { ProblemNotice } from "../ui/ProblemNotice";
import { useAct } from "../ui/useAct";

export interface SignInFormProps {
  /** Called once somebody is signed in. */
  readonly onDone: () => void;
  /** Whether an account can be made here. */
  readonly mayCreate?: boolean;
}

/** Sign in, or make an account. The field for the one-time code appears if the account has a second factor. */
export function SignInForm({ onDone, mayCreate = true }: SignInFormProps) {
  const creating = useSignal(false);
  const asksCode = useSignal(false);
  const values = useSignal({ email: "", password: "", name: "", code: "" });
  const { busy, problem, run } = useAct();
  const field = (name: keyof typeof values.value) => ({
    value: values.value[name],
    onValue: (value: string) => {
      values.value = { ...values.value, [name]: value };
    },
    required: true,
  });
  const submit = async (event: Event) => {
    event.preventDefault();
    const { email, password, name, code } = values.value;
    const enter = () =>
      creating.value ? signUp(email, password, name) : signIn(email, password, code.trim() || undefined);
    if (await run(enter)) onDone();
    else if (problem.value?.code === "second_factor_required") asksCode.value = true;
  };
  const change = () => {
    creating.value = !creating.value;
    problem.value = undefined;
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      {problem.value && problem.value.code !== "second_factor_required" && (
        <ProblemNotice problem={problem.value} />
      )}
      {creating.value && <Field label={text("name")} autoComplete="name" {...field("name")} />}
      <Field label={text("email")} type="email" autoComplete="username" {...field("email")} />
      <Field
        label={text("password")}
        type="password"
        autoComplete={creating.value ? "new-password" : "current-password"}
        {...field("password")}
      />
      {asksCode.value && !creating.value && (
        <Field
          label={text("one_time_code")}
          hint={text("one_time_code_hint")}
          autoComplete="one-time-code"
          {...field("code")}
        />
      )}
      <div class="row">
        <Button kind="primary" type="submit" busy={busy.value}>
          {text(creating.value ? "create_account" : "sign_in")}
        </Button>
        {mayCreate && (
          <Button kind="quiet" onClick={change}>
            {text(creating.value ? "have_account" : "no_account")}
          </Button>
        )}
      </div>
    </form>
  );
}
