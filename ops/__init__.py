"""Operating Onsale: the command `onsale`, and everything behind its subcommands. Not part of the running system.

cli.py          the command `onsale`; loads each subcommand's module when it is called
up/             `onsale up` and `scale`: servers and processes on one machine, and finding the running system
rush/           `onsale rush`: a crowd of buyers that checks every answer
migrate.py      `onsale migrate`, also run by `onsale up`; the work is in bootstrap.py
bootstrap.py    creates what api and workers need in the stores: schema, roles, lanes, admin, demo
demo.py         the demo catalogue
status.py       `onsale status`: processes, lanes, seats
verify.py       `onsale verify`: checks all data in Postgres
password.py     `onsale password`: sets an account's password
admin.py        `onsale admin`: who is an administrator
clock.py        `onsale clock`: compares the servers' clocks
"""
