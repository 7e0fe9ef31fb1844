"""`onsale rush`: many buyers storm one show, and every answer they get is checked.

The load client and the demo in one. It speaks HTTP only; `run.run_rush` is the way in for programs,
`command.rush` for people. It never reads the environment and never writes to a store.
"""
