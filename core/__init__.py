"""Pure rules: what a booking is, and how operations on a show are decided. It imports no other package.

Only the last group has input and output: it reads the environment, writes logs and metrics, and injects crashes.

The booking rule
    operations      the operations of the lanes, and their wire format
    bookings        a booking's states, and what a decision about it is
    decide          operation + show state -> decisions
    state           the working copy of one show that `decide` reads and changes
    shows, halls    a show's settings; a hall, read from its plan
    plans, plans_by_place, rows   the two formats of plans; a row of seats
    seat_labels, drawings   the labels of seats; where a hall's seats are drawn
    pretix_plans, csv_plans   halls from files; imported_names, imported_areas, imported_halls: what both need
    hall_previews   a hall's counts, and its rows in letters
    seats, seat_owners   which seats are free and which are best together; who owns each seat
    journal         the rows of the journal, and their replay through `decide`

What the api shows and accept.lua checks
    ids             booking ids, references, lanes
    queue_position  position, estimated wait, next poll
    taken_seats     a show's taken seats, packed for Redis

Accounts
    tokens, refresh_tokens, signing   access tokens, refresh tokens, and HMAC for both and for booking ids
    texts           names, addresses and passwords: visible, trimmed, compared

Processes
    settings, server_settings, local_settings   the environment, read once per process
    safety          which settings are unsafe outside the local mode
    addresses       the addresses of servers
    logs, metric_files, gc_tuning, crash_points   logs, shared metrics, the garbage collector, injected crashes
    errors, times, recent   the errors, milliseconds and UTC, a cache

All but operations, logs, metric_files and the settings need only the standard library; those use one library each.
"""
