"""`onsale rush`: many buyers rush to one show, and every answer they get is checked. Both load client and demo.

    command.py   the command: options -> plan, prints figures, verifies     plan.py     the plan of one rush
    run.py       `run_rush`, the entry point for programs                   shows.py    makes the show, reads its seats
    buyer.py     one buyer from the first POST to the outcome               picks.py    what each buyer asks for
    client.py    HTTP, with retries                                         gate.py     limits and shares connections
    witness.py   checks the answers about one booking                       tokens.py   mints access tokens
    figures.py   counters while it runs, figures at the end                 screen.py   live line and final table

It books over HTTP only, never reads the environment, and never writes to a store; it reads an admin's id from Postgres.
"""
