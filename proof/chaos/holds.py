"""Checks of holds: none expires early, lasts too long, or is extended twice. Offers have their own time."""

from __future__ import annotations

from collections.abc import Iterator

from proof.chaos.evidence import Evidence

#: Seconds by which the clocks of Redis and Postgres may differ before a hold counts as too long.
CLOCKS_S = 5.0


def wrong(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each hold that ended before its time, was granted for too long, or was extended other than once."""
    deadlines: dict[str, int] = {}
    extended = set[str]()
    for row, settings in evidence.with_settings():
        id_, at = str(row.booking_id), row.decided_ms / 1000
        if settings is not None and row.outcome in ("HELD", "OFFERED"):
            deadlines[id_] = row.decision["expires_ms"]
            offer_ms = settings.offer_ms if row.outcome == "OFFERED" else 0
            hold_s = (offer_ms or settings.hold_ms) / 1000
            recorded = evidence.recorded.get((row.lane, row.seq))
            if recorded is not None and (lasts_s := deadlines[id_] / 1000 - recorded) > hold_s + CLOCKS_S:
                yield f"hold {id_} of lane {row.lane} lasts {lasts_s:.0f} s, of {hold_s:g} s", recorded
            elif deadlines[id_] > row.decided_ms + hold_s * 1000:
                yield f"hold {id_} ends {deadlines[id_] - row.decided_ms} ms after its decision, of {hold_s:g} s", at
        elif settings is not None and row.outcome == "EXTENDED":
            longer_ms = row.decision["expires_ms"] - deadlines.get(id_, 0)
            if id_ in extended or longer_ms != settings.hold_extension_ms:
                yield f"hold {id_} was extended by {longer_ms} ms, once more: {id_ in extended}", at
            extended.add(id_)
            deadlines[id_] = row.decision["expires_ms"]
        elif row.outcome == "EXPIRED" and (at_ms := round(evidence.accepted_at(row) * 1000)) < deadlines.get(id_, 0):
            yield f"hold {id_} expired at {at_ms}, before {deadlines[id_]}", at
