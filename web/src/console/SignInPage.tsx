import { SignInForm } from "../shared/account/SignInForm";
import { sessionEnded } from "../shared/api/session";
import { text } from "../shared/i18n/i18n";
import { installation } from "../shared/installation";
import { Notice } from "../shared/ui/Notice";
import "./console.css";

/** Sign in to the console, which appears by itself then. */
export function SignInPage() {
  return (
    <main id="content" class="console-sign-in stack">
      <h1 tabIndex={-1}>{text("console_of", { name: installation.value.name })}</h1>
      {sessionEnded.value && <Notice>{text("session_ended")}</Notice>}
      <div class="card">
        <SignInForm onDone={() => {}} mayCreate={false} />
      </div>
    </main>
  );
}
