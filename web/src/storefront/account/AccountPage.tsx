/** The account: name and address, password, second factor, data, and the ways out. */

import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import { ApiProblem, offline } from "../../shared/api/problems";
import {
  forgetSession,
  signOut,
  signOutEverywhere,
  takeTokens,
  type User,
  user,
} from "../../shared/api/session";
import { text } from "../../shared/i18n/i18n";
import { Link, navigate } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { CurrentPassword } from "./CurrentPassword";
import { FormView } from "./FormView";
import { SignInPage } from "./SignInPage";
import { useForm } from "./useForm";

export function AccountPage() {
  if (!user.value) return <SignInPage />;
  return (
    <div class="stack narrow">
      <h1 tabIndex={-1}>{text("account")}</h1>
      <SignOut />
      <Profile of={user.value} />
      <Password />
      <section class="card stack" aria-label={text("second_factor")}>
        <h2>{text("second_factor")}</h2>
        <p>{text("second_factor_explained")}</p>
        <p>
          <Link to="/account/second-factor">{text("second_factor_open")}</Link>
        </p>
      </section>
      <Data />
      <Delete />
    </div>
  );
}

function SignOut() {
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const leave = (how: () => Promise<void>) => () => {
    how().then(
      () => navigate("/"),
      (error) => {
        problem.value = error instanceof ApiProblem ? error : offline(error);
      },
    );
  };
  return (
    <>
      {problem.value && <ProblemNotice problem={problem.value} />}
      <div class="row">
        <Button onClick={leave(signOut)}>{text("sign_out")}</Button>
        <Button onClick={leave(signOutEverywhere)}>{text("sign_out_everywhere")}</Button>
      </div>
    </>
  );
}

function Profile({ of }: { of: User }) {
  const form = useForm(
    { name: of.name, email: of.email, password: "" },
    async ({ name, email, password }) => {
      const body = email === of.email ? { name } : { name, email, password };
      user.value = await ok(api.PUT("/api/auth/profile", { body }));
    },
  );
  const moves = form.values.value.email !== of.email;
  return (
    <FormView form={form} title={text("profile")} action={text("save")}>
      <Field label={text("name")} autoComplete="name" required {...form.field("name")} />
      <Field label={text("email")} type="email" autoComplete="email" required {...form.field("email")} />
      {moves && <CurrentPassword form={form} hint={text("email_needs_password")} />}
    </FormView>
  );
}

function Password() {
  const form = useForm({ password: "", new_password: "" }, async (body) => {
    const header = { "X-Session-Cookie": "1" };
    takeTokens(await ok(api.PUT("/api/auth/password", { params: { header }, body })));
    form.values.value = { password: "", new_password: "" };
  });
  return (
    <FormView form={form} title={text("change_password")} action={text("change_password")}>
      <p class="soft">{text("password_ends_sessions")}</p>
      <CurrentPassword form={form} />
      <Field
        label={text("new_password")}
        type="password"
        autoComplete="new-password"
        hint={text("password_rule")}
        required
        {...form.field("new_password")}
      />
    </FormView>
  );
}

/** All that is stored about the account, as a file. */
function Data() {
  const form = useForm({}, async () => {
    const data = await ok(api.GET("/api/auth/export"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
    link.download = "onsale-account.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  return (
    <FormView form={form} title={text("my_data")} action={text("download_data")}>
      <p>{text("my_data_explained")}</p>
    </FormView>
  );
}

function Delete() {
  const form = useForm({ password: "" }, async (body) => {
    await ok(api.DELETE("/api/auth/profile", { body }));
    forgetSession();
    navigate("/");
  });
  return (
    <FormView form={form} title={text("delete_account")} action={text("delete_account")} danger>
      <p>{text("delete_explained")}</p>
      <CurrentPassword form={form} />
    </FormView>
  );
}
