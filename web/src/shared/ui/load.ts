import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiProblem, offline } from "../api/problems";

export interface Loaded<T> {
  readonly value: Signal<T | undefined>;
  readonly problem: Signal<ApiProblem | undefined>;
  readonly reload: () => void;
}

/** Load something when the component appears and when `inputs` change. What an earlier call returns late is dropped. */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): Loaded<T> {
  const value = useSignal<T | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const turn = useSignal(0);
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal).then(
      (found) => {
        if (abort.signal.aborted) return;
        value.value = found;
        problem.value = undefined;
      },
      (error) => {
        if (!abort.signal.aborted) problem.value = error instanceof ApiProblem ? error : offline(error);
      },
    );
    return () => abort.abort();
  }, [...inputs, turn.value]);
  return {
    value,
    problem,
    reload: () => {
      turn.value += 1;
    },
  };
}
