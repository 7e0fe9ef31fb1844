"""Everything in Postgres: one module per table or use, one statement per function. schema.sql has the tables.

Written by a lane's transaction
    fences         the lanes' rows: one writer per lane, and how far the lane is decided
    shows, seats, bookings, journal   what `decide` reads and changes, and the decisions

Written by the api
    users, sessions          accounts and log-ins
    movies, halls, catalogue the catalogue, new shows, seat maps

How it is reached
    engine         connections, transactions, timeouts, and which errors mean "unavailable"
    patience       deadlines kept by our own clock, for a server that hangs

For operators
    migrate, folded_addresses   the schema step, and what SQL alone cannot migrate
    roles          the roles of the api and the workers
    audit          the checks of `onsale verify`
"""
