import { type Signal, useSignal } from "@preact/signals";
import { ApiProblem, offline } from "../api/problems";

export interface Act {
  readonly busy: Signal<boolean>;
  readonly problem: Signal<ApiProblem | undefined>;
  /** Do something, once at a time. Return whether it was done. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** Something that the reader does: one at a time, with what went wrong. */
export function useAct(): Act {
  const busy = useSignal(false);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const run = async (work: () => Promise<unknown>) => {
    if (busy.value) return false;
    busy.value = true;
    problem.value = undefined;
    try {
      await work();
      return true;
    } catch (error) {
      problem.value = error instanceof ApiProblem ? error : offline(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, problem, run };
}
