"""`onsale rush`: many buyers rush to one show, and every answer they get is checked. Both load client and demo.

    command.py    the command `onsale rush`          run.py        `run_rush`, the entry point for programs
    plan.py       the plan: options of one rush      shows.py      makes the show, reads its free seats
    buyer.py      one buyer, from POST to outcome    picks.py      what each buyer asks for
    client.py     HTTP with retries                  gate.py       limits concurrent requests, fairly
    witness.py    checks one booking's answers       tokens.py     signs access tokens
    figures.py    counters, and the final figures    screen.py     the live line and the final table

It books over HTTP only and never writes to a store; it reads one thing from Postgres, an admin's id.
"""
