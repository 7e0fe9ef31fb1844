"""The simulator: the real decide, the real Lua scripts, the real SQL, through random schedules in one process.

Two apis, two workers (each with a drain and a sweeper), the expirer and clients run as threads of which only
one goes at a time: at every call to Redis, Postgres or the broker it hands a baton back, and the schedule's
random numbers say who goes on, who crashes, whose answer is lost, who sleeps long and wakes up late, which
lease lapses, when Redis is wiped. One seed is one schedule, whatever the machine does meanwhile.

    baton.py   who goes        seams.py    where: at the calls to the stores        ground.py   the servers
    cast.py    the actors      play.py     one schedule, from its seed              oracle.py   what must be true
"""
