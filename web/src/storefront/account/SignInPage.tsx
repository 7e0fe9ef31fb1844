import { SignInForm } from "../../shared/account/SignInForm";
import { text } from "../../shared/i18n/i18n";
import { navigate } from "../../shared/router";

export function SignInPage() {
  return (
    <div class="stack narrow">
      <h1 tabIndex={-1}>{text("sign_in")}</h1>
      <SignInForm onDone={() => navigate("/bookings")} />
    </div>
  );
}
