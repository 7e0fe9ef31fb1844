import { useSignal } from "@preact/signals";
import { sessionEnded, signIn } from "../shared/api/session";
import { text } from "../shared/i18n/i18n";
import { installation } from "../shared/installation";
import { Button } from "../shared/ui/Button";
import { Field } from "../shared/ui/Field";
import { Notice } from "../shared/ui/Notice";
import { ProblemNotice } from "../shared/ui/ProblemNotice";
import { useAct } from "./ui/useAct";
import "./console.css";

/** Sign in to the console. The field for the one-time code appears if the account has a second factor. */
export function SignInPage() {
  const email = useSignal("");
  const password = useSignal("");
  const code = useSignal("");
  const { busy, problem, run } = useAct();
  const asksCode = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    await run(() => signIn(email.value, password.value, code.value.trim() || undefined));
    if (problem.value?.code === "second_factor_required") asksCode.value = true;
  };
  return (
    <main id="content" class="console-sign-in stack">
      <h1 tabIndex={-1}>{text("console_of", { name: installation.value.name })}</h1>
      {sessionEnded.value && <Notice>{text("session_ended")}</Notice>}
      <form class="card stack" onSubmit={(event) => void submit(event)}>
        {problem.value && problem.value.code !== "second_factor_required" && (
          <ProblemNotice problem={problem.value} />
        )}
        <Field
          label={text("email")}
          type="email"
          autoComplete="username"
          value={email.value}
          onValue={(value) => (email.value = value)}
          required
        />
        <Field
          label={text("password")}
          type="password"
          autoComplete="current-password"
          value={password.value}
          onValue={(value) => (password.value = value)}
          required
        />
        {asksCode.value && (
          <Field
            label={text("one_time_code")}
            hint={text("one_time_code_hint")}
            autoComplete="one-time-code"
            value={code.value}
            onValue={(value) => (code.value = value)}
          />
        )}
        <Button kind="primary" type="submit" busy={busy.value}>
          {text("sign_in")}
        </Button>
      </form>
    </main>
  );
}
