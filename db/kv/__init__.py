"""Everything in Redis: one module per kind of key, and the connections.

What is stored
    keys           the name and the type of every key
    admission      accept an operation into its lane, or refuse it
    lanes          what drains and sweepers do: peek, wait, take and release the lease
    finish         publish a batch, and trim its entries from the lane
    statuses       the published status of each booking
    cards          show cards and hall plans
    meters         how far each lane is
    attempts       log-in attempts, counted for all api processes together
    workers_alive  heartbeats of workers, and what they do
    samples        the ring of samples
    refusals       counts of refusals

How it is reached
    scripts        the Lua scripts in lua/, each with its hash; every script's header lists its keys and arguments
    rounds         one connection for the threads of a process
    async_rounds   one connection for the tasks of an event loop, which sends their calls together
    demotion       connections that leave a server that is no longer the master
"""
