import { type Signal, useSignal } from "@preact/signals";
import { useLoaded } from "../../shared/ui/load";
import { useAct } from "../../shared/ui/useAct";

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Pages<T> {
  /** What is loaded so far; undefined: the first page is not there yet. */
  readonly items: readonly T[] | undefined;
  readonly first: ReturnType<typeof useLoaded<PageOf<T>>>;
  readonly more: ReturnType<typeof useAct>;
  readonly next: Signal<string | null>;
  readonly loadMore: () => void;
}

type Load<T> = (cursor: string | undefined, signal?: AbortSignal) => Promise<PageOf<T>>;

/** A list that the server gives page by page, from its start whenever `inputs` change. */
export function usePages<T>(load: Load<T>, inputs: readonly unknown[]): Pages<T> {
  const later = useSignal<readonly T[]>([]);
  const next = useSignal<string | null>(null);
  const turn = useSignal(0);
  const more = useAct();
  const first = useLoaded(async (signal) => {
    turn.value += 1;
    const page = await load(undefined, signal);
    if (!signal.aborted) {
      later.value = [];
      next.value = page.next;
    }
    return page;
  }, inputs);
  const loadMore = () => {
    const asked = turn.value;
    void more.run(async () => {
      const page = await load(next.value ?? undefined);
      // The filter may have changed meanwhile: then this page belongs to another list.
      if (asked !== turn.value) return;
      later.value = [...later.value, ...page.items];
      next.value = page.next;
    });
  };
  const items = first.value.value && [...first.value.value.items, ...later.value];
  return { items, first, more, next, loadMore };
}
