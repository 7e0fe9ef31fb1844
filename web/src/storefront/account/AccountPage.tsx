import { signOut, user } from "../../shared/api/session";
import { text } from "../../shared/i18n/i18n";
import { navigate } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { SignInPage } from "./SignInPage";

/** Who is signed in, and the way out. */
export function AccountPage() {
  if (!user.value) return <SignInPage />;
  const leave = async () => {
    await signOut();
    navigate("/");
  };
  return (
    <div class="stack narrow">
      <h1 tabIndex={-1}>{text("account")}</h1>
      <p>
        {user.value.name} · {user.value.email}
      </p>
      <div class="row">
        <Button onClick={() => void leave()}>{text("sign_out")}</Button>
      </div>
    </div>
  );
}
