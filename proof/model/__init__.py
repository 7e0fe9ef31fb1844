"""A model check of the protocol: every state that a few processes can reach, whatever fails and whenever.

The model is small on purpose: one lane, one seat, a handful of requests. What it adds to tests on real servers
is completeness: no interleaving of the steps is left out. docs/model.md says what is modelled and what is not.

A package of its own at the top, not a test: it needs nothing but the standard library, it is a command
(`python -m proof.model`, `make model`) that anybody can repeat at any size, and it imports nothing of the product,
so that it can be wrong only by itself. tests/model runs its small sizes and its planted bugs.

    sizes.py      how many processes and requests, which faults, which bug     layout.py   a state as bytes
    postgres.py   what the journal says: decide, in small                      rules.py    what must be true
    door.py       steps of clients and api       drains.py  of drains          faults.py   of time and of trouble
    cards.py      what the door refuses by       search.py  every state, and the way home
    command.py    `python -m proof.model`
"""
