import { useSignal } from "@preact/signals";
import { ApiProblem, offline } from "../../shared/api/problems";
import { signIn, signUp } from "../../shared/api/session";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";

/** Sign in, or make an account; `onDone` is called once somebody is signed in. */
export function SignInPanel({ onDone }: { onDone: () => void }) {
  const creating = useSignal(false);
  const values = useSignal({ email: "", password: "", name: "", code: "" });
  const busy = useSignal(false);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const set = (name: keyof typeof values.value) => (value: string) => {
    values.value = { ...values.value, [name]: value };
  };
  const needsCode = problem.value?.code === "second_factor_required" || values.value.code !== "";
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    const { email, password, name, code } = values.value;
    try {
      await (creating.value ? signUp(email, password, name) : signIn(email, password, code || undefined));
      problem.value = undefined;
      onDone();
    } catch (error) {
      problem.value = error instanceof ApiProblem ? error : offline(error);
    }
    busy.value = false;
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      {problem.value && problem.value.code !== "second_factor_required" && (
        <ProblemNotice problem={problem.value} />
      )}
      {creating.value && (
        <Field
          label={text("name")}
          value={values.value.name}
          onValue={set("name")}
          autoComplete="name"
          required
        />
      )}
      <Field
        label={text("email")}
        type="email"
        value={values.value.email}
        onValue={set("email")}
        autoComplete="username"
        required
      />
      <Field
        label={text("password")}
        type="password"
        value={values.value.password}
        onValue={set("password")}
        autoComplete={creating.value ? "new-password" : "current-password"}
        required
      />
      {needsCode && (
        <Field
          label={text("one_time_code")}
          value={values.value.code}
          onValue={set("code")}
          autoComplete="one-time-code"
          inputMode="numeric"
        />
      )}
      <div class="row">
        <Button kind="primary" type="submit" busy={busy.value}>
          {text(creating.value ? "create_account" : "sign_in")}
        </Button>
        <Button
          kind="quiet"
          onClick={() => {
            creating.value = !creating.value;
            problem.value = undefined;
          }}
        >
          {text(creating.value ? "have_account" : "no_account")}
        </Button>
      </div>
    </form>
  );
}
