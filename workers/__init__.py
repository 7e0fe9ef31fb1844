"""The only code that changes bookings, and seats once their show exists.

The path of a batch
    actors          what a Dramatiq message starts
    drain           one lane, batch after batch, for a few seconds
    batch           one transaction: lock, read, load, decide, record, COMMIT
    load_state, record   what decide reads; what it has decided, written to Postgres
    publish         statuses and cards to Redis, entries out of the lane
    verdicts, undecided, taken_seats, kept_seats   what a batch knows besides its shows; what it publishes besides
    statuses

Around it
    sweep           rescues stalled lanes; heartbeat (activity), memory, alarms (late_bookings), samples
    expire, scheduler   an Expire for each show with lapsed holds, every second
    republish       cards and plans for a Redis that was wiped or replaced
    clocks, metrics the servers' clocks compared; what is counted

Processes
    main, middleware, stores, broker   a worker's start, what it holds open, Dramatiq's broker
"""
