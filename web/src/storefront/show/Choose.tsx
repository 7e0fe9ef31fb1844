/** Choosing seats of a show that is on sale: on the map, or the best available. */

import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type SeatFeed, SeatMap, type SeatMapModel, useSeatStates } from "../../seatmap/SeatMap";
import { SignInForm } from "../../shared/account/SignInForm";
import { money } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { query } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Notice } from "../../shared/ui/Notice";
import type { Show } from "../browse/sale";
import { BestAvailable } from "./BestAvailable";
import { Conflict } from "./Conflict";
import { unansweredRequest, useBook } from "./useBook";
import { requestForBest, requestForSeats, totalOf } from "./wishes";

export function Choose({ show, onChange }: { show: Show; onChange: () => void }) {
  const booker = useBook();
  const selected = useSignal<readonly string[]>(seatsOfAddress("seats", show.seats_per_user));
  const feed = useSeatStates(show.id);
  const otherwise = useSignal(false);
  const full = useSignal(false);
  const model = useSignal<SeatMapModel | null>(null);
  useNearest(seatsOfAddress("near", show.seats_per_user), selected, model, feed);
  useEffect(() => {
    const unanswered = unansweredRequest(show.id);
    if (unanswered) booker.book(unanswered);
  }, [show.id]);
  const seats = selected.value;
  const total = model.value ? totalOf(model.value, show.prices, seats) : null;
  const bookSeats = () => booker.book(requestForSeats(show.id, seats, total, otherwise.value));
  return (
    <div class="choose">
      <section class="choose-map" aria-label={text("seat_map")}>
        <SeatMap
          hallId={show.hall.id}
          showId={show.id}
          feed={feed}
          prices={show.prices}
          currency={show.currency}
          selected={selected}
          most={show.seats_per_user}
          onFull={() => {
            full.value = true;
          }}
          onModel={(found) => {
            model.value = found;
          }}
        />
        {full.value && seats.length >= show.seats_per_user && (
          <Notice kind="warn">{text("most_seats", { n: show.seats_per_user })}</Notice>
        )}
      </section>
      <aside class="choose-side stack">
        {booker.problem.value && (
          <Conflict
            problem={booker.problem.value}
            selected={selected}
            model={model.value}
            onRetry={bookSeats}
            onBest={(quantity) =>
              booker.book(
                requestForBest(show.id, { quantity, category: null, together: true, accessible: false }),
              )
            }
            onReload={onChange}
          />
        )}
        <Basket show={show} seats={seats} total={total} onRemove={(seat) => remove(selected, seat)}>
          {seats.length > 1 && (
            <label class="check">
              <input
                type="checkbox"
                checked={otherwise.value}
                onChange={(event) => {
                  otherwise.value = event.currentTarget.checked;
                }}
              />
              {text("otherwise_adjacent")}
            </label>
          )}
          <Button
            kind="primary"
            busy={booker.busy.value}
            unavailable={seats.length === 0 ? text("choose_first") : undefined}
            onClick={bookSeats}
          >
            {text("hold_seats", { n: seats.length })}
          </Button>
        </Basket>
        <BestAvailable
          show={show}
          busy={booker.busy.value}
          onBook={(best) => booker.book(requestForBest(show.id, best))}
        />
        {booker.unsigned.value && <SignInDialog booker={booker} />}
      </aside>
    </div>
  );
}

function SignInDialog({ booker }: { booker: ReturnType<typeof useBook> }) {
  const request = booker.unsigned.value;
  return (
    <section class="card" aria-label={text("sign_in")}>
      <p>{text("sign_in_to_book")}</p>
      <SignInForm onDone={() => request && booker.book(request)} />
    </section>
  );
}

interface BasketProps {
  readonly show: Show;
  readonly seats: readonly string[];
  readonly total: number | null;
  readonly onRemove: (seat: string) => void;
  readonly children: preact.ComponentChildren;
}

/** What was chosen, and what it costs. */
function Basket({ show, seats, total, onRemove, children }: BasketProps) {
  return (
    <section class="card stack" aria-label={text("your_seats")}>
      <h2>{text("your_seats")}</h2>
      {seats.length === 0 && <p class="soft">{text("choose_on_map")}</p>}
      <ul class="chips">
        {seats.map((seat) => (
          <li key={seat}>
            <button
              type="button"
              class="chip"
              aria-label={text("remove_seat", { seat })}
              onClick={() => onRemove(seat)}
            >
              {seat} <span aria-hidden="true">×</span>
            </button>
          </li>
        ))}
      </ul>
      <p class="total" aria-live="polite">
        {seats.length > 0 && total !== null && (
          <>
            {text("total")} <strong>{money(total, show.currency)}</strong>
          </>
        )}
      </p>
      {children}
    </section>
  );
}

function remove(selected: { value: readonly string[] }, seat: string): void {
  selected.value = selected.value.filter((each) => each !== seat);
}

/** Choose the free seats nearest to some that have gone, once, when the hall and its states are known. */
function useNearest(
  gone: readonly string[],
  selected: Signal<readonly string[]>,
  model: Signal<SeatMapModel | null>,
  feed: SeatFeed,
): void {
  const done = useRef(gone.length === 0);
  useSignalEffect(() => {
    if (feed.version.value < 0 || !model.value || done.current) return;
    done.current = true;
    selected.value = model.value.nearest(gone, gone.length);
  });
}

/** Return seats that the address names: `seats` of a hold that lapsed, `near` of a request that came too late. */
function seatsOfAddress(name: "seats" | "near", most: number): readonly string[] {
  return (query.value.get(name) ?? "").split(",").filter(Boolean).slice(0, most);
}
