/** The number of workers, and the catalogue's cache. */

import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Confirm } from "../../shared/ui/Confirm";
import { Field } from "../../shared/ui/Field";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { useAct } from "../../shared/ui/useAct";

export function WorkerCount() {
  const { value, problem, reload } = useLoaded(
    (signal) => ok(api.GET("/api/admin/workers/count", { signal })),
    [],
  );
  const typed = useSignal("");
  const asking = useSignal(false);
  const act = useAct();
  const known = value.value;
  const count = Number(typed.value);
  const right = /^\d{1,2}$/.test(typed.value) && (known?.most == null || count <= known.most);
  const set = () =>
    void act.run(() => ok(api.PUT("/api/admin/workers/count", { body: { count } }))).then(reload);
  return (
    <section class="card stack">
      <h2>{text("worker_count")}</h2>
      {problem.value && <ProblemNotice problem={problem.value} onRetry={reload} />}
      {act.problem.value && <ProblemNotice problem={act.problem.value} />}
      {known && !known.changeable && <p>{text("not_changeable", { n: known.running })}</p>}
      {known?.changeable && (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            asking.value = right;
          }}
        >
          <Field
            label={text("workers_wanted", { n: known.wanted ?? known.running })}
            inputMode="numeric"
            value={typed.value}
            onValue={(next) => (typed.value = next)}
            fault={typed.value && !right ? text("workers_fault", { n: known.most ?? 64 }) : undefined}
          />
          <Button type="submit" busy={act.busy.value} unavailable={right ? undefined : text("enter_count")}>
            {text("set_workers")}
          </Button>
        </form>
      )}
      {asking.value && (
        <Confirm
          title={text("set_workers")}
          onClose={() => (asking.value = false)}
          onYes={() => {
            asking.value = false;
            set();
          }}
        >
          <p>{text(count === 0 ? "confirm.no_workers" : "confirm.workers", { n: count })}</p>
        </Confirm>
      )}
    </section>
  );
}

export function Caches() {
  const asking = useSignal(false);
  const done = useSignal(false);
  const act = useAct();
  const clear = async () => {
    done.value = await act.run(() => ok(api.DELETE("/api/admin/caches")));
  };
  return (
    <section class="card stack">
      <h2>{text("caches")}</h2>
      {act.problem.value && <ProblemNotice problem={act.problem.value} />}
      {done.value && <Notice kind="good">{text("caches_cleared")}</Notice>}
      <div class="row">
        <Button busy={act.busy.value} onClick={() => (asking.value = true)}>
          {text("clear_caches")}
        </Button>
      </div>
      {asking.value && (
        <Confirm
          title={text("clear_caches")}
          onClose={() => (asking.value = false)}
          onYes={() => {
            asking.value = false;
            void clear();
          }}
        >
          <p>{text("confirm.caches")}</p>
        </Confirm>
      )}
    </section>
  );
}
