/** One-time codes beside the password: turn on, new recovery codes, turn off. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ok } from "../../shared/api/client";
import { takeTokens, user } from "../../shared/api/session";
import { text } from "../../shared/i18n/i18n";
import { Link } from "../../shared/router";
import { Field } from "../../shared/ui/Field";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { CurrentPassword } from "./CurrentPassword";
import { FormView } from "./FormView";
import { SignInPage } from "./SignInPage";
import { useForm } from "./useForm";

const PATH = "/api/auth/second-factor";

export function SecondFactorPage() {
  const codes = useSignal<readonly string[]>([]);
  if (!user.value) return <SignInPage />;
  return (
    <div class="stack narrow">
      <h1 tabIndex={-1}>{text("second_factor")}</h1>
      {codes.value.length > 0 && <RecoveryCodes codes={codes.value} />}
      <State codes={codes} />
      <Link to="/account">{text("account")}</Link>
    </div>
  );
}

function State({ codes }: { codes: Signal<readonly string[]> }) {
  const { value, problem, reload } = useLoaded((signal) => ok(api.GET(PATH, { signal })), []);
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  if (!value.value.enrolled) return <Enrol codes={codes} onDone={reload} />;
  return (
    <>
      <Notice kind="good">{text("second_factor_on", { n: value.value.recovery_codes_left })}</Notice>
      <Renew codes={codes} onDone={reload} />
      <TurnOff onDone={reload} />
    </>
  );
}

interface StepProps {
  readonly codes: Signal<readonly string[]>;
  readonly onDone: () => void;
}

function Enrol({ codes, onDone }: StepProps) {
  const secret = useSignal<{ secret: string; otpauth_uri: string } | null>(null);
  const begin = useForm({ password: "" }, async (body) => {
    secret.value = await ok(api.POST(PATH, { body }));
  });
  const confirm = useForm({ code: "" }, async (body) => {
    const header = { "X-Session-Cookie": "1" };
    const enrolled = await ok(api.PUT(PATH, { params: { header }, body }));
    const { recovery_codes, ...tokens } = enrolled as { recovery_codes: string[] } & Parameters<
      typeof takeTokens
    >[0];
    takeTokens(tokens);
    codes.value = recovery_codes;
    onDone();
  });
  if (!secret.value) {
    return (
      <FormView form={begin} title={text("second_factor_begin")} action={text("second_factor_begin")}>
        <p>{text("second_factor_explained")}</p>
        <CurrentPassword form={begin} />
      </FormView>
    );
  }
  return (
    <FormView form={confirm} title={text("second_factor_scan")} action={text("second_factor_confirm")}>
      <p>{text("second_factor_scan_explained")}</p>
      <QrCode content={secret.value.otpauth_uri} />
      <p class="mono">{secret.value.secret}</p>
      <Field
        label={text("one_time_code")}
        autoComplete="one-time-code"
        inputMode="numeric"
        required
        {...confirm.field("code")}
      />
    </FormView>
  );
}

function Renew({ codes, onDone }: StepProps) {
  const form = useForm({ password: "", code: "" }, async (body) => {
    const renewed = await ok(api.POST(`${PATH}/recovery-codes`, { body }));
    codes.value = renewed.recovery_codes;
    onDone();
  });
  return (
    <FormView form={form} title={text("recovery_codes_renew")} action={text("recovery_codes_renew")}>
      <Proof form={form} />
    </FormView>
  );
}

function TurnOff({ onDone }: { onDone: () => void }) {
  const form = useForm({ password: "", code: "" }, async (body) => {
    await ok(api.DELETE(PATH, { body }));
    onDone();
  });
  return (
    <FormView form={form} title={text("second_factor_off")} action={text("second_factor_off")} danger>
      <Proof form={form} />
    </FormView>
  );
}

function Proof({ form }: { form: ReturnType<typeof useForm<{ password: string; code: string }>> }) {
  return (
    <>
      <CurrentPassword form={form} />
      <Field label={text("one_time_code")} autoComplete="one-time-code" required {...form.field("code")} />
    </>
  );
}

function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  return (
    <Notice kind="warn">
      <p>{text("recovery_codes_explained")}</p>
      <ul class="mono">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
    </Notice>
  );
}

/** A QR code. Its encoder is loaded only here. */
function QrCode({ content }: { content: string }) {
  const source = useSignal("");
  useEffect(() => {
    void import("qrcode-generator").then(({ default: qrcode }) => {
      const code = qrcode(0, "M");
      code.addData(content);
      code.make();
      source.value = code.createDataURL(5, 10);
    });
  }, [content]);
  return <img class="qr" src={source.value || undefined} alt={text("qr_code")} width="240" height="240" />;
}
