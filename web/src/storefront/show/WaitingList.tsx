import { SignInForm } from "../../shared/account/SignInForm";
import { text } from "../../shared/i18n/i18n";
import { Link } from "../../shared/router";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { Show } from "../browse/sale";
import { BestAvailable } from "./BestAvailable";
import { useBook } from "./useBook";
import { requestForBest } from "./wishes";

/** A show that is sold out: wait for seats that are given back, where the show allows it. */
export function WaitingList({ show }: { show: Show }) {
  const booker = useBook();
  const request = booker.unsigned.value;
  if (show.waiting_list_max === 0) {
    return (
      <Notice kind="warn">
        <p>{text("sold_out_explained")}</p>
        <Link to="/">{text("other_shows")}</Link>
      </Notice>
    );
  }
  return (
    <div class="stack narrow">
      <Notice kind="warn">{text("sold_out_waiting")}</Notice>
      {booker.problem.value && <ProblemNotice problem={booker.problem.value} />}
      <BestAvailable
        show={show}
        busy={booker.busy.value}
        label={text("join_list")}
        onBook={(best) => booker.book(requestForBest(show.id, best, true))}
      />
      {request && (
        <div class="card">
          <p>{text("sign_in_to_book")}</p>
          <SignInForm onDone={() => booker.book(request)} />
        </div>
      )}
    </div>
  );
}
