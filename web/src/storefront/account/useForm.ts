import { type Signal, useSignal } from "@preact/signals";
import type { ApiProblem, Fault } from "../../shared/api/problems";
import { useAct } from "../../shared/ui/useAct";

export interface Form<T extends Record<string, string>> {
  readonly values: Signal<T>;
  readonly busy: Signal<boolean>;
  readonly done: Signal<boolean>;
  readonly problem: Signal<ApiProblem | undefined>;
  /** Return what a field needs: its value, how to change it, and what the server says is wrong with it. */
  readonly field: (name: keyof T & string) => {
    value: string;
    onValue: (value: string) => void;
    fault: string | undefined;
  };
  readonly submit: (event: Event) => void;
}

/** A form that is sent by `send`, and shows what the server says about each field. */
export function useForm<T extends Record<string, string>>(
  initial: T,
  send: (values: T) => Promise<void>,
): Form<T> {
  const values = useSignal(initial);
  const { busy, problem, run } = useAct();
  const done = useSignal(false);
  const submitted = async () => {
    done.value = false;
    done.value = await run(() => send(values.value));
  };
  return {
    values,
    busy,
    done,
    problem,
    field: (name) => ({
      value: values.value[name] ?? "",
      onValue: (value) => {
        values.value = { ...values.value, [name]: value };
      },
      fault: faultOf(problem.value, name),
    }),
    submit: (event) => {
      event.preventDefault();
      void submitted();
    },
  };
}

/** Return what an answer says is wrong with a field of the body. */
export function faultOf(problem: ApiProblem | undefined, name: string): string | undefined {
  const errors = problem?.members.errors;
  if (!Array.isArray(errors)) return undefined;
  return (errors as (Fault & { pointer?: string })[]).find((each) => each.pointer === `/${name}`)?.detail;
}
