"""The plan of a rush, and the parsers of its command-line options. Pure values.

All random choices of a rush follow from `seed`. User ids and Idempotency-Keys do not: otherwise a second rush with
the same seed on the same show would only repeat the first one's requests.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import ConfigurationError

#: Max seats that the api accepts in one request.
GROUP_MAX = 10
KINDS = ("hot", "random", "best")
DEFAULT_SEATS = 1000


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the kinds of picks; only their ratio counts."""

    hot: float = 50
    random: float = 30
    best: float = 20

    @classmethod
    def parse(cls, text: str) -> Mix:
        """Parse "hot=50,random=30,best=20"; a kind that is missing has no share. Raises ValueError."""
        shares = dict.fromkeys(KINDS, 0.0)
        for part in text.split(","):
            kind, equals, number = part.strip().partition("=")
            if kind not in shares or not equals:
                raise ValueError(f"{part!r}: write kind=share, with a kind of {', '.join(KINDS)}")
            shares[kind] = float(number)
        if min(shares.values()) < 0 or not 0 < sum(shares.values()) < float("inf"):
            raise ValueError("shares must not be negative, and one of them must be more than 0")
        return cls(**shares)


def parse_group(text: str) -> tuple[int, int]:
    """Parse "1-4" or "2": the least and most seats per request. Raises ValueError."""
    low, dash, high = text.partition("-")
    least, most = int(low), int(high if dash else low)
    if not 1 <= least <= most <= GROUP_MAX:
        raise ValueError(f"a request is for 1 to {GROUP_MAX} seats")
    return least, most


def is_loopback(base_url: str) -> bool:
    """Return whether the URL is surely this machine's. A host name other than localhost is not resolved: False."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_elsewhere(base_url: str, *, anywhere: bool) -> None:
    """Raise ConfigurationError if the api is not on this machine, unless `anywhere` allows it."""
    if not anywhere and not is_loopback(base_url):
        raise ConfigurationError(f"{base_url} is not on this machine. Use --anywhere to allow it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One rush. Without `show_id`, the admin `admin_id` makes a show with `seats` seats.

    If both are missing, an admin's id is read from `database_url`.
    """

    base_url: str
    jwt_secret: str = field(repr=False)
    database_url: str = field(default="", repr=False)
    admin_id: str = ""
    buyers: int = 2500
    show_id: int | None = None
    seats: int = DEFAULT_SEATS
    mix: Mix = field(default_factory=Mix)
    group: tuple[int, int] = (1, 2)
    #: Seconds over which the buyers arrive, evenly spaced; 0: all at once.
    ramp_s: float = 0.0
    #: Share of buyers, 0 to 1, that hold their seats and then confirm.
    holds: float = 0.0
    #: Max open connections. More do not make the api faster on two cores; 64 keep it busy.
    connections: int = 64
    seed: int = 0
    #: Max duration of the rush, seconds from the first arrival.
    timeout_s: float = 120.0
    anywhere: bool = False

    def __post_init__(self) -> None:
        refuse_elsewhere(self.base_url, anywhere=self.anywhere)
        if self.buyers < 1 or self.connections < 1 or self.seats < 1 or self.timeout_s <= 0:
            raise ConfigurationError("buyers, connections, seats and timeout must be more than 0.")
        if not 0 <= self.holds <= 1 or self.ramp_s < 0:
            raise ConfigurationError("holds must be a share from 0 to 1, and ramp 0 or more seconds.")
