"""`onsale up`: the whole system on one machine, from embedded servers to the api, under one supervisor.

The run:        command.py (the order of a start and a stop), welcome.py (what it prints when ready),
                supervisor.py (all process groups), supervised.py (one group: restarts, backoff), process.py (a group)
The processes:  servers.py (the three servers), postgres.py, valkey.py (how each is started), programs.py (our own)
The programs:   binaries.py (finds them), account.py (the user that runs them), copies.py (if it cannot reach them)
The home:       home.py (lock, secrets, records), folders.py (data, sockets), leftovers.py (of a killed run)
For others:     running.py (finds the running system), control.py (the control socket), address.py (the api's address)
"""
