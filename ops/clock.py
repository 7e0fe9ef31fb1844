"""`onsale clock`: compare the servers' clocks, and find lanes whose stream ids are ahead of the time.

If Redis's clock was ahead for a moment, a lane's stream ids stay ahead. That does no harm, because accepted times do
not come from ids. `--reset` starts a new epoch in each such lane that is empty, so that its ids are right again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import redis

from core.errors import RedisUnavailable
from core.times import STEP_MS
from db import clocks, installation
from db.clocks import LaneAhead
from db.kv.rounds import connection_pool
from db.postgres.engine import make_engine, transaction
from ops.up.running import RunningSystem, find_running

#: Timeout of each call to Redis, seconds.
SOCKET_TIMEOUT_S = 5.0


def clock(where: RunningSystem, *, reset: bool) -> int:
    """Print the clock differences and the lanes that are ahead; return the exit code, 1 if anything is wrong.

    Raises: PostgresUnavailable, RedisUnavailable.
    """
    engine = make_engine(where.database_url, pool_size=1)
    client = redis.Redis(connection_pool=connection_pool(where.redis_url, socket_timeout_s=SOCKET_TIMEOUT_S))
    try:
        with transaction(engine) as connection:
            lanes = installation.get(connection).lanes
            ahead_of_postgres_ms = clocks.redis_ms(client) - clocks.postgres_ms(connection)
        ahead_of_here_ms = clocks.redis_ms(client) - int(time.time() * 1000)
        lanes_ahead = clocks.lanes_ahead(client, lanes, STEP_MS, reset=reset)
    except redis.RedisError as error:
        raise RedisUnavailable(f"Redis cannot be reached: {error}") from error
    finally:
        client.close()
        engine.dispose()
    for other, ahead_ms in (("Postgres's", ahead_of_postgres_ms), ("this machine's", ahead_of_here_ms)):
        wrong = "   WRONG: synchronize the clocks" if abs(ahead_ms) > STEP_MS else ""
        relation = "behind" if ahead_ms < 0 else "ahead of"
        click.echo(f"Redis's clock is {abs(ahead_ms) / 1000:.3f} s {relation} {other}{wrong}")
    for lane in lanes_ahead:
        click.echo(_line(lane, reset))
    left = [lane for lane in lanes_ahead if not lane.reset]
    return 1 if left or max(abs(ahead_of_postgres_ms), abs(ahead_of_here_ms)) > STEP_MS else 0


def _line(lane: LaneAhead, reset: bool) -> str:
    text = f"The ids of lane {lane.lane} are {lane.ahead_ms / 1000:.0f} s ahead"
    if lane.reset:
        return f"{text}: reset"
    return f"{text}: it has entries, repeat when it is empty" if reset else f"{text}: --reset corrects them"


@click.command("clock")
@click.option("--reset", is_flag=True, help="Start a new epoch in lanes that are ahead and empty.")
@click.option("--home", type=click.Path(path_type=Path), default=None, help="The home folder. [env: ONSALE_HOME]")
def command(reset: bool, home: Path | None) -> None:
    """Compare the servers' clocks, and find lanes whose ids are ahead of the time."""
    sys.exit(clock(find_running(home), reset=reset))
