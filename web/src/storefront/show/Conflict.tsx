import type { Signal } from "@preact/signals";
import type { SeatMapModel } from "../../seatmap/SeatMap";
import { type ApiProblem, isPassing } from "../../shared/api/problems";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";

export interface ConflictProps {
  readonly problem: ApiProblem;
  readonly selected: Signal<readonly string[]>;
  /** The hall, once it is known. */
  readonly model: SeatMapModel | null;
  readonly onRetry: () => void;
  readonly onBest: (quantity: number) => void;
  readonly onReload: () => void;
}

/** Why a request was refused, and a way on: the nearest seats, other ones, or the best of the house. */
export function Conflict({ problem, selected, model, onRetry, onBest, onReload }: ConflictProps) {
  if (problem.code !== "seat_taken") {
    return <ProblemNotice problem={problem} onRetry={isPassing(problem) ? onRetry : onReload} />;
  }
  const taken = Array.isArray(problem.members.seats) ? problem.members.seats.map(String) : [];
  const left = selected.value.filter((seat) => !taken.includes(seat));
  const wanted = selected.value.length;
  const instead = model?.nearest(taken, taken.length, left) ?? [];
  return (
    <Notice kind="warn">
      <p>{text("seats_gone", { n: taken.length, seats: taken.join(", ") })}</p>
      <div class="row">
        {instead.length === taken.length && (
          <Button
            kind="primary"
            onClick={() => {
              selected.value = [...left, ...instead];
            }}
          >
            {text("choose_nearest", { n: instead.length, seats: instead.join(", ") })}
          </Button>
        )}
        <Button
          onClick={() => {
            selected.value = left;
          }}
        >
          {text("choose_other_seats")}
        </Button>
        <Button onClick={() => onBest(wanted)}>{text("best_instead", { n: wanted })}</Button>
      </div>
    </Notice>
  );
}
