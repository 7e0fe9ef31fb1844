"""A model check of the protocol: every state that a few processes can reach, whatever fails and whenever.

The model is small on purpose: one lane, one seat, a handful of requests. What it adds to tests on real servers
is completeness: no interleaving of the steps is left out. docs/model.md says what is modelled and what is not.

It needs only the standard library and imports nothing of the product, so no error of the product's code is also
the model's. Run it at any size with `make model` (`python -m proof.model`). tests/proof/model runs its small sizes
and its planted bugs.

    sizes.py      how many processes and requests, which faults, which bug     layout.py   a state as bytes
    postgres.py   a small version of decide, over the journal                  rules.py    the invariants
    clients.py    steps of clients and apis      drains.py  of drains          faults.py   of time and of failures
    cards.py      what a show's card refuses     search.py  every state, safety and liveness
    command.py    `python -m proof.model`
"""
