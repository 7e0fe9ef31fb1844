"""Every store, Postgres and Redis: one module per noun, one statement per function. SQL lives only here."""
