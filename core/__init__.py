"""Pure rules, standard library only: what a booking is and how operations on a show are decided.

`settings`, `logs` and `operations` are the three exceptions: they use a library each, and every process needs them.
"""
