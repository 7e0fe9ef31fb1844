"""The kit that all proofs share: servers, a running system, HTTP clients, shows, clocks, waiting and output.

servers.py   one Postgres and one Valkey         system.py        one `onsale up`
client.py    HTTP from threads                   async_client.py  HTTP from an event loop
shows.py     plans, halls, movies and shows      clock.py         Redis's clock, settable
waiting.py   waiting for a condition             output.py        a command's console, and its processes' output
"""
