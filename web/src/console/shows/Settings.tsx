import { useSignal } from "@preact/signals";
import { text } from "../../shared/i18n/i18n";
import { installation } from "../../shared/installation";
import { Button } from "../../shared/ui/Button";
import { Confirm } from "../../shared/ui/Confirm";
import { Field } from "../../shared/ui/Field";
import { Notice } from "../../shared/ui/Notice";
import { change } from "./acts";
import { changeOf, faultsOf, INSTANTS, type Texts, textsOf } from "./change";
import type { SaleActsProps } from "./SaleActs";

/** Prices, limits, windows and times of holds. Only what differs is sent, after it was shown. */
export function Settings({ show, busy, perform }: SaleActsProps) {
  const exponent = installation.value.currency_exponent;
  const texts = useSignal<Texts>(textsOf(show, exponent));
  const faults = useSignal<readonly string[]>([]);
  const asking = useSignal(false);
  const nothing = useSignal(false);
  const body = changeOf(show, texts.value, exponent);
  const submit = (event: Event) => {
    event.preventDefault();
    faults.value = faultsOf(texts.value, exponent);
    nothing.value = !faults.value.length && body === null;
    asking.value = !faults.value.length && body !== null;
  };
  return (
    <section class="card stack">
      <h2>{text("settings")}</h2>
      <form class="stack" onSubmit={submit}>
        <div class="settings">
          {Object.entries(texts.value).map(([name, value]) => (
            <Field
              key={name}
              label={label(name)}
              value={value}
              {...((INSTANTS as readonly string[]).includes(name) && { hint: text("instant_hint") })}
              onValue={(next) => (texts.value = { ...texts.value, [name]: next })}
              fault={faults.value.includes(name) ? text("setting_fault") : undefined}
            />
          ))}
        </div>
        {nothing.value && <Notice>{text("nothing_changed")}</Notice>}
        <div class="row">
          <Button kind="primary" type="submit" busy={busy}>
            {text("change_settings")}
          </Button>
        </div>
      </form>
      {asking.value && body && (
        <Confirm
          title={text("change_settings")}
          onClose={() => (asking.value = false)}
          onYes={() => {
            asking.value = false;
            perform(() => change(show.id, body));
          }}
        >
          <p>{text("confirm.settings", { show: show.name })}</p>
          <ul>
            {differences(textsOf(show, exponent), texts.value).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </Confirm>
      )}
    </section>
  );
}

function label(name: string): string {
  if (!name.startsWith("price.")) return text(`setting.${name}`);
  return text("setting.price", { category: name.slice(6), currency: installation.value.currency });
}

function differences(before: Texts, after: Texts): readonly string[] {
  return Object.keys(after)
    .filter((name) => after[name] !== before[name] && after[name] !== "")
    .map((name) => `${label(name)}: ${before[name] || "–"} → ${after[name]}`);
}
