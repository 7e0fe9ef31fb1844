"""The simulator: the real decide, Lua scripts and SQL through random schedules, in one process.

Two apis, two workers (each with a drain and a sweeper), the expirer and clients are threads of which one runs at a
time. A thread stops at every call to Redis, Postgres or the broker; then the schedule's random numbers decide which
continues, which crashes, whose answer is lost, which sleeps long and wakes up late, which lease lapses, and when
Redis is wiped. A seed always gives the same schedule.

    jobs.py       threads that run one at a time     seams.py      the points at calls to the stores
    processes.py  the processes and their clients    schedule.py   one schedule, from its seed
    fixture.py    the servers and fresh shows        oracle.py     the record of what clients saw, and the checks
"""
