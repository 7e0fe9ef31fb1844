import { type ApiProblem, isPassing } from "../api/problems";
import { hasText, text } from "../i18n/i18n";
import { Button } from "./Button";
import { Notice } from "./Notice";

/** Return what a problem means for the reader: `problem.<code>` of the language, otherwise the server's detail. */
export function problemText(problem: ApiProblem): string {
  const key = `problem.${problem.code}`;
  return hasText(key) ? text(key, { seconds: problem.retryAfterS ?? 1 }) : problem.detail;
}

/** A problem, and a way to try again where that may help. */
export function ProblemNotice({ problem, onRetry }: { problem: ApiProblem; onRetry?: () => void }) {
  return (
    <Notice kind={isPassing(problem) ? "warn" : "bad"}>
      <p>{problemText(problem)}</p>
      {onRetry && isPassing(problem) && <Button onClick={onRetry}>{text("try_again")}</Button>}
    </Notice>
  );
}
