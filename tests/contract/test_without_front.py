"""`API_FRONT=0 python -m api`: the same server with Flask alone. The whole suite runs against it under werkzeug."""

from __future__ import annotations

import json

import pytest

from proof.kit.servers import Servers
from tests.contract import wire
from tests.contract.conftest import FIRST_REDIS_DATABASE
from tests.contract.transports import serving
from tests.contract.world import environment
from tests.support.databases import url_of


@pytest.mark.usefixtures("front")
def test_the_front_can_be_switched_off(servers: Servers) -> None:
    database, redis_urls = url_of(servers, "contract_front"), map(servers.redis_url, range(FIRST_REDIS_DATABASE, 22))
    env = environment(database, *redis_urls)

    with serving("front", {**env, "API_FRONT": "0", "TRUSTED_PROXIES": "0"}) as address:
        ready = wire.ask(address, b"GET /readyz HTTP/1.1\r\nHost: onsale\r\nConnection: close\r\n\r\n")
        body = b'{"show_id": 1, "quantity": 1}'
        head = (
            b"POST /api/bookings HTTP/1.1\r\nHost: onsale\r\nConnection: close\r\nContent-Type: application/json\r\n"
        )
        chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        refused = wire.ask(address, head + chunked)

    assert json.loads(ready.body)["status"] == "ready"
    assert (refused.status, json.loads(refused.body)["code"]) == (401, "token_missing")
