"""All key names in Redis. Keys of one lane share a hash tag, so they are on one cluster node."""

from __future__ import annotations

from uuid import UUID

#: Pub/sub channel: each message lists the hex ids of bookings just published, separated by blanks.
DECIDED = "onsale:decided"
#: String, JSON: the installation's id, lanes and booking secret, so that an api can start without Postgres.
INSTALLATION = "onsale:installation"
#: Sorted set: the workers that are alive, each with the time of its last heartbeat, ms.
WORKERS = "onsale:workers"
#: Hash: what each of these workers does, as JSON (workers/activity.py). On one cluster node with WORKERS, whose whole
#: name is hashed.
DOING = "{onsale:workers}:doing"
#: Stream of fixed length: a sample per second (db/kv/samples.py); string with a TTL: one has just been taken.
SAMPLES = "onsale:samples"
SAMPLING = "onsale:sampling"
#: Hash: reason -> how many requests accept.lua has refused, of all shows.
REFUSED = "onsale:refused"
#: String with a TTL: an expire run is in progress.
EXPIRY_LEASE = "onsale:expiry:lease"
#: String with a TTL: an expire run has recently ended.
EXPIRY_DONE = "onsale:expiry:done"
#: String: run_id of the Redis instance in which all upcoming shows were published (workers/republish.py).
REPUBLISHED = "onsale:republished"
#: String with a TTL: the worker that is publishing them.
REPUBLISHING = "onsale:republishing"
#: Stream: revoked access tokens, read by every api process (db/revocations.py).
REVOKED = "onsale:revoked"


def lane(number: int) -> str:
    """Stream: the lane's operations, oldest first."""
    return f"onsale:{{{number}}}:lane"


def lease(number: int) -> str:
    """String with a TTL: "rung", or the token of the drain at work."""
    return f"onsale:{{{number}}}:marker"


def meter(number: int) -> str:
    """Hash: epoch; ticket (last given); served (last decided); seq (its journal number); rate (decisions per second);
    served_at, waits_since, full_until (ms; lua/accept.lua)."""
    return f"onsale:{{{number}}}:meter"


def status(number: int, booking_id: UUID) -> str:
    """Hash: a booking's published status (lua/accept.lua lists the fields)."""
    return f"onsale:{{{number}}}:booking:{booking_id.hex}"


def card(number: int, show_id: int) -> str:
    """Hash: what accept.lua checks about a show (its header lists the fields)."""
    return f"onsale:{{{number}}}:card:{show_id}"


def taken(number: int, show_id: int) -> str:
    """String: until when each seat of a contested show is taken (core/taken_seats.py); valid if its card says so."""
    return f"onsale:{{{number}}}:taken:{show_id}"


def undecided(number: int, show_id: int) -> str:
    """Hash: counts of the show's undecided Books, in total and per user (lua/accept.lua lists the fields)."""
    return f"onsale:{{{number}}}:undecided:{show_id}"


def seats(show_id: int) -> str:
    """Pub/sub channel: the changes of a show's seats, as batches publish them (db/kv/seat_changes.py)."""
    return f"onsale:seats:{show_id}"


def withdrawn(number: int) -> str:
    """Hash: bookings that were cancelled while queued (lua/accept.lua): hex id -> the Cancel's entry id."""
    return f"onsale:{{{number}}}:withdrawn"


def expiring(number: int, show_id: int) -> str:
    """String: the id of the show's undecided Expire, if there is one."""
    return f"onsale:{{{number}}}:expiring:{show_id}"


def refused(show_id: int) -> str:
    """Hash with a TTL: reason -> how many requests for a show were refused (db/kv/refusals.py)."""
    return f"onsale:refused:{show_id}"


def hall(hall_id: int) -> str:
    """String, JSON: a hall's plan, which never changes."""
    return f"onsale:hall:{hall_id}"


def attempts(what: str) -> str:
    """String with a TTL: the number of log-in attempts of an account or an address (db/kv/attempts.py)."""
    return f"onsale:attempts:{what}"


def catalogue_token(kind: str) -> str:
    """String: the token of the bodies of this kind that are current (db/kv/catalogue_pages.py)."""
    return f"{{onsale:catalogue}}:token:{kind}"


def catalogue_page(slot: int) -> str:
    """String with a TTL: the body of an answer about the catalogue, with its kind's token."""
    return f"{{onsale:catalogue}}:page:{slot}"
