import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** Return how many milliseconds are left of a span that was `leftMs` at `receivedAt` (performance.now()); >= 0. */
export function leftOf(leftMs: number, receivedAt: number, now: number): number {
  return Math.max(0, leftMs - (now - receivedAt));
}

/** Count a span down by the machine's steady clock, so that a wrong clock of the reader's does not matter. */
export function useCountdown(leftMs: number, receivedAt: number): Signal<number> {
  const left = useSignal(leftOf(leftMs, receivedAt, performance.now()));
  useEffect(() => {
    const tick = () => {
      left.value = leftOf(leftMs, receivedAt, performance.now());
    };
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [leftMs, receivedAt]);
  return left;
}

/** Seconds before the end at which it is announced: WCAG 2.2.1 asks for 20 s and more. */
const ANNOUNCED = [60, 20] as const;

/** Return which announcement is due with so many seconds left: 60 or 20, or null. */
export function announced(seconds: number): number | null {
  return [...ANNOUNCED].reverse().find((each) => seconds <= each) ?? null;
}
