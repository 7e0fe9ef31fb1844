"""Every store: Postgres (db/postgres) and Redis (db/kv), one module per noun. SQL and Lua live only here.

The modules at this level need both stores:
    installation   what was generated at the first start, and its copy in Redis
    rebuilt_cards  show cards, rebuilt from Postgres
    revocations    revoked access tokens: kept in Postgres, distributed by Redis
    clocks         both servers' clocks, and lanes whose ids are ahead
    guard          whether a process may rely on its servers
"""
